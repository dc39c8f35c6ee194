"""What tables of each kind show: payments, guests, what is sold, routers, jobs."""

from gateway.dashboard.parts import Column

PAYMENTS = (
    Column(title="Asked", name="requested_at", kind="time", link="/dashboard/payments/{id}"),
    Column(title="Phone", name="phone", kind="phone"),
    Column(title="Package", name="package.name"),
    Column(title="Price", name="price", kind="money"),
    Column(title="Payment", name="status", kind="state"),
    Column(title="Access", name="access.state", kind="state"),
    Column(title="Receipt", name="receipt", kind="code"),
    Column(title="For a person", name="needs_attention", kind="note"),
)
RECEIPTS = (
    Column(title="Receipt", name="receipt", kind="code"),
    Column(title="Amount", name="amount", kind="money"),
    Column(title="Unspent", name="left_over", kind="money"),
    Column(title="Why it is held", name="held", kind="note"),
    Column(title="Payer", name="payer", kind="phone"),
    Column(title="Account typed", name="reference"),
    Column(title="Paid", name="paid_at", kind="time"),
    Column(title="Payment", name="payment_id", kind="id", link="/dashboard/payments/{payment_id}"),
)
USERS = (
    Column(title="Username", name="username", link="/dashboard/users/{id}"),
    Column(title="Phone", name="phone", kind="phone"),
    Column(title="Since", name="created_at", kind="time"),
)
SUBSCRIPTIONS = (
    Column(title="Phone", name="phone", kind="phone", link="/dashboard/subscriptions/{id}"),
    Column(title="Package", name="package_name"),
    Column(title="State", name="status", kind="state"),
    Column(title="Paid until", name="paid_until", kind="time"),
    Column(title="Grace until", name="grace_until", kind="time"),
)
SESSIONS = (
    Column(title="User", name="username", link="/dashboard/sessions/{id}"),
    Column(title="State", name="status", kind="state"),
    Column(title="Router", name="router"),
    Column(title="Device", name="mac", kind="code"),
    Column(title="Online since", name="started_at", kind="time"),
    Column(title="Paid until", name="until", kind="time"),
    Column(title="Down", name="bytes_out", kind="size"),
    Column(title="Up", name="bytes_in", kind="size"),
)
ROUTERS = (
    Column(title="Router", name="name", link="/dashboard/routers/{id}"),
    Column(title="State", name="status", kind="state"),
    Column(title="Address", name="ip_address", kind="code"),
    Column(title="Model", name="model"),
    Column(title="RouterOS", name="version"),
    Column(title="Looked at", name="checked_at", kind="time"),
)
PACKAGES = (
    Column(title="Package", name="name", link="/dashboard/packages/{id}"),
    Column(title="Code", name="code", kind="code"),
    Column(title="Price", name="price", kind="money"),
    Column(title="For", name="duration_seconds", kind="span"),
    Column(title="Down", name="down_kbps", kind="speed"),
    Column(title="Up", name="up_kbps", kind="speed"),
    Column(title="Data", name="data_bytes", kind="size"),
    Column(title="Devices", name="devices", kind="number"),
    Column(title="Kind", name="kind"),
    Column(title="On sale", name="on_sale", kind="yes"),
)
BATCHES = (
    Column(title="Batch", name="number", kind="number", link="/dashboard/vouchers/batches/{id}"),
    Column(title="Package", name="package_name"),
    Column(title="State", name="status", kind="state"),
    Column(title="Made", name="made", kind="number"),
    Column(title="Of", name="count", kind="number"),
    Column(title="Ordered", name="requested_at", kind="time"),
    Column(title="Good until", name="expires_at", kind="time"),
)
VOUCHERS = (
    Column(title="Code", name="code", kind="code"),
    Column(title="Package", name="package_name"),
    Column(title="State", name="status", kind="state"),
    Column(title="Phone", name="phone", kind="phone"),
    Column(title="Issued", name="issued_at", kind="time"),
    Column(title="Redeemed", name="redeemed_at", kind="time"),
    Column(title="Payment", name="payment_id", kind="id", link="/dashboard/payments/{payment_id}"),
)
MESSAGES = (
    Column(title="Made", name="created_at", kind="time", link="/dashboard/messages/{id}"),
    Column(title="To", name="phone", kind="phone"),
    Column(title="State", name="status", kind="state"),
    Column(title="Text", name="text", kind="note"),
    Column(title="Reason", name="reason", kind="note"),
)
FAILED_JOBS = (
    Column(title="Job", name="message", link="/dashboard/failed-jobs/{id}"),
    Column(title="Service", name="service"),
    Column(title="Reason", name="reason", kind="note"),
    Column(title="Tries", name="attempts", kind="number"),
    Column(title="Failed", name="last_failed_at", kind="time"),
    Column(title="Retried", name="retried_at", kind="time"),
)
SCHEDULES = (
    Column(title="Job", name="job"),
    Column(title="What it does", name="does", kind="note"),
    Column(title="Every", name="period_seconds", kind="span"),
    Column(title="At", name="daily_at"),
    Column(title="Last run", name="last_run.due_at", kind="time"),
    Column(title="Next run", name="next_run_at", kind="time"),
)
QUEUES = (
    Column(title="Queue", name="name", kind="code"),
    Column(title="Waiting", name="ready", kind="number"),
    Column(title="In hand", name="unacked", kind="number"),
    Column(title="Workers", name="consumers", kind="number"),
    Column(title="Done a second", name="rate", kind="number"),
)
STATEMENTS = (
    Column(title="Imported", name="requested_at", kind="time", link="/dashboard/statements/{id}"),
    Column(title="State", name="state", kind="state"),
    Column(title="From", name="begins_at", kind="time"),
    Column(title="To", name="ends_at", kind="time"),
    Column(title="Parts done", name="parts_done", kind="number"),
    Column(title="Of", name="parts", kind="number"),
)
AUDIT = (
    Column(title="When", name="at", kind="time"),
    Column(title="Who", name="name"),
    Column(title="Role", name="role"),
    Column(title="Did", name="method", kind="code"),
    Column(title="At", name="route", kind="path"),
    Column(title="About", name="object_id", kind="long"),
    Column(title="Answer", name="status", kind="number"),
    Column(title="From", name="address", kind="code"),
)
OPERATORS = (
    Column(title="E-mail address", name="email", link="/dashboard/operators/{id}"),
    Column(title="Role", name="role", kind="state"),
    Column(title="Since", name="created_at", kind="time"),
    Column(title="Changed", name="updated_at", kind="time"),
)
KEYS = (
    Column(title="For", name="name"),
    Column(title="Role", name="role", kind="state"),
    Column(title="Begins with", name="hint", kind="code"),
    Column(title="Made", name="created_at", kind="time"),
    Column(title="Last used", name="last_used_at", kind="time"),
    Column(title="Revoked", name="revoked_at", kind="time"),
)
BACKUPS = (
    Column(
        title="Version",
        name="version",
        kind="number",
        link="/dashboard/routers/{router_id}/backups/{version}",
    ),
    Column(title="Lines", name="lines", kind="number"),
    Column(title="Taken", name="taken_at", kind="time"),
    Column(title="Seen last", name="seen_at", kind="time"),
)
