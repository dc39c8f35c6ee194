"""Orders about money and what is sold."""

from gateway.dashboard.ordering import Order
from gateway.dashboard.parts import Field
from gateway.door import OPERATOR, OWNER

PACKAGE = (
    Field(name="name", label="Name", hint="as guests read it: 1 hour"),
    Field(name="price", label="Price in shillings", kind="shillings"),
    Field(
        name="duration_seconds", label="Minutes of access", kind="minutes", hint="a day has 1440"
    ),
    Field(name="down_kbps", label="Download in Mbit/s", kind="megabits"),
    Field(name="up_kbps", label="Upload in Mbit/s", kind="megabits"),
    Field(
        name="data_bytes", label="Data in MB", kind="megabytes", needed=False, hint="empty: no cap"
    ),
    Field(name="devices", label="Devices at once", kind="number", value="1"),
    Field(
        name="kind",
        label="Kind",
        kind="choice",
        options=(("hotspot", "Hotspot"), ("subscription", "Subscription")),
        value="hotspot",
    ),
    Field(name="on_sale", label="On sale", kind="yes", needed=False, value="yes"),
)
CODE = Field(
    name="code",
    label="Code",
    needed=False,
    hint="what a payer types as account number: HOUR1. Empty: made from the name",
)
REASON = (Field(name="reason", label="Why", hint="M-Pesa keeps it with the reversal"),)

ORDERS = (
    Order(
        name="reverse",
        path="/payments/<uuid:id>/reverse",
        method="POST",
        api="/payments/{id}/reverse",
        who=OWNER,
        label="Send the money back",
        said="M-Pesa is asked to send the money back.",
        back="/dashboard/payments/{id}",
        fields=REASON,
        is_grave=True,
    ),
    Order(
        name="reverse-receipt",
        path="/receipts/<name>/reverse",
        method="POST",
        api="/receipts/{name}/reverse",
        who=OWNER,
        label="Send the money back",
        said="M-Pesa is asked to send the money back.",
        back="/dashboard/receipts",
        fields=REASON,
        is_grave=True,
    ),
    Order(
        name="clear-attention",
        path="/payments/<uuid:id>/attention/clear",
        method="POST",
        api="/payments/{id}/attention/clear",
        who=OPERATOR,
        label="Dealt with",
        said="It is in front of nobody any more. The audit keeps who dealt with it.",
        back="/dashboard/payments/{id}",
        fields=(Field(name="needs_attention", label="What it was", kind="hidden"),),
        sure="Take it off the list of what needs a person? Nothing else is changed by that.",
    ),
    Order(
        name="create-package",
        path="/packages",
        method="POST",
        api="/packages",
        who=OPERATOR,
        label="Create the package",
        said="The package is being made.",
        back="/dashboard/packages",
        fields=(PACKAGE[0], CODE, *PACKAGE[1:]),
    ),
    Order(
        name="change-package",
        path="/packages/<uuid:id>",
        method="PATCH",
        api="/packages/{id}",
        who=OPERATOR,
        label="Change it from now on",
        said="The change is under way. What was bought stays as it was.",
        back="/dashboard/packages/{id}",
        fields=(PACKAGE[0], CODE, *PACKAGE[1:]),
        changes=True,
    ),
    Order(
        name="order-vouchers",
        path="/vouchers",
        method="POST",
        api="/vouchers",
        who=OPERATOR,
        label="Make the vouchers",
        said="The vouchers are being made.",
        back="/dashboard/vouchers",
        fields=(
            Field(name="package_id", label="Package", kind="choice"),
            Field(name="count", label="How many", kind="number", hint="1 to 5000"),
            Field(
                name="expires_at",
                label="Good until",
                kind="moment",
                needed=False,
                hint="empty: for ever",
            ),
        ),
    ),
    Order(
        name="cancel-batch",
        path="/vouchers/batches/<uuid:id>/cancel",
        method="DELETE",
        api="/vouchers/batches/{id}",
        who=OPERATOR,
        label="Cancel what is unused",
        said="Its unused vouchers are being cancelled.",
        back="/dashboard/vouchers/batches/{id}",
        sure="All vouchers of this batch that nobody used yet become worthless.",
        is_grave=True,
    ),
)
