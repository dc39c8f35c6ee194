"""Orders about operators: accounts, API keys, and one's own password."""

from gateway.dashboard.ordering import Order
from gateway.dashboard.parts import Field
from gateway.door import OWNER, VIEWER

ROLE = Field(
    name="role",
    label="Role",
    kind="choice",
    options=(
        ("viewer", "viewer: reads"),
        ("support", "support: also resends, disconnects"),
        ("operator", "operator: all but accounts and keys"),
        ("owner", "owner: all"),
    ),
    value="viewer",
)
PASSWORD = Field(name="password", label="Password", kind="password", hint="12 characters at least")

ORDERS = (
    Order(
        name="add-operator",
        path="/operators",
        method="POST",
        api="/operators",
        who=OWNER,
        label="Add the account",
        said="The account is made. Tell its owner the password in person.",
        back="/dashboard/operators",
        fields=(
            Field(name="email", label="E-mail address", hint="wanjiku@example.co.ke"),
            ROLE,
            PASSWORD,
        ),
    ),
    Order(
        name="change-operator",
        path="/operators/<uuid:id>",
        method="PATCH",
        api="/operators/{id}",
        who=OWNER,
        label="Change the account",
        said="Changed. Whoever used this account must log in again.",
        back="/dashboard/operators/{id}",
        fields=(
            ROLE,
            Field(
                name="password",
                label="New password",
                kind="password",
                needed=False,
                hint="empty: stays as it is",
            ),
        ),
        changes=True,
    ),
    Order(
        name="remove-operator",
        path="/operators/<uuid:id>/remove",
        method="DELETE",
        api="/operators/{id}",
        who=OWNER,
        label="Remove",
        said="The account is removed, and its logins have ended.",
        back="/dashboard/operators",
        sure="Whoever uses this account is logged out. What they did stays in the audit.",
        is_grave=True,
    ),
    Order(
        name="make-key",
        path="/api-keys",
        method="POST",
        api="/api-keys",
        who=OWNER,
        label="Make the key",
        said="The key is made.",
        back="/dashboard/api-keys",
        fields=(Field(name="name", label="What it is for", hint="bookkeeping"), ROLE),
        shows="key",
    ),
    Order(
        name="revoke-key",
        path="/api-keys/<uuid:id>/revoke",
        method="DELETE",
        api="/api-keys/{id}",
        who=OWNER,
        label="Revoke",
        said="The key is worthless from now on.",
        back="/dashboard/api-keys",
        sure="Programs that use this key are refused at once.",
        is_grave=True,
    ),
    Order(
        name="change-password",
        path="/account/password",
        method="POST",
        api="/auth/password",
        who=VIEWER,
        label="Change my password",
        said="Your password is changed. Wherever else you were logged in, you are not any more.",
        back="/dashboard/account",
        fields=(
            Field(name="current", label="Password now", kind="password"),
            Field(name="new", label="New password", kind="password", hint=PASSWORD.hint),
        ),
    ),
    Order(
        name="log-out-everywhere",
        path="/account/logout-everywhere",
        method="POST",
        api="/auth/logout-everywhere",
        who=VIEWER,
        label="Log out everywhere",
        said="You are logged out, here and everywhere else.",
        back="/dashboard/login",
        page="/dashboard/account",
        sure="All your logins end within minutes, on every device; this one at once.",
        is_grave=True,
        ends_login=True,
    ),
)
