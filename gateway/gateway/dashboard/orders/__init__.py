"""Orders: what can be done by a button or a form, each a call of the API. One row each."""

from gateway.dashboard.orders import guests, money, people, routers, system

ORDERS = (*money.ORDERS, *guests.ORDERS, *routers.ORDERS, *system.ORDERS, *people.ORDERS)
NAMED = {order.name: order for order in ORDERS}
