"""Orders about guests: their stays, subscriptions and messages."""

from gateway.dashboard.ordering import Order
from gateway.dashboard.parts import Field
from gateway.door import OPERATOR, SUPPORT

ORDERS = (
    Order(
        name="disconnect",
        path="/sessions/<uuid:id>/disconnect",
        method="DELETE",
        api="/sessions/{id}",
        who=SUPPORT,
        label="Disconnect",
        said="The router is told to send this guest off.",
        back="/dashboard/sessions/{id}",
        sure="The guest is sent off now. Who has time left can log in again.",
        is_grave=True,
    ),
    Order(
        name="subscribe",
        path="/subscriptions",
        method="POST",
        api="/subscriptions",
        who=OPERATOR,
        label="Subscribe",
        said="The subscription is being made: it runs once it is paid.",
        back="/dashboard/subscriptions",
        fields=(
            Field(name="phone", label="Phone", kind="tel", hint="0712 345 678"),
            Field(name="package_id", label="Package", kind="choice"),
        ),
    ),
    Order(
        name="suspend",
        path="/subscriptions/<uuid:id>/suspend",
        method="POST",
        api="/subscriptions/{id}/suspend",
        who=OPERATOR,
        label="Suspend",
        said="The subscription is being suspended.",
        back="/dashboard/subscriptions/{id}",
        sure="The customer goes offline until it is paid or unsuspended; paid time runs on.",
        is_grave=True,
    ),
    Order(
        name="unsuspend",
        path="/subscriptions/<uuid:id>/unsuspend",
        method="POST",
        api="/subscriptions/{id}/unsuspend",
        who=OPERATOR,
        label="Unsuspend",
        said="The subscription is let go on.",
        back="/dashboard/subscriptions/{id}",
    ),
    Order(
        name="resend",
        path="/messages/<uuid:id>/resend",
        method="POST",
        api="/messages/{id}/resend",
        who=SUPPORT,
        label="Send again",
        said="The message is sent again, as a new one.",
        back="/dashboard/messages",
    ),
)
