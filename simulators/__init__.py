"""Stand-ins for the world outside: M-Pesa, SMS gateways, MikroTik routers with guests on them."""
