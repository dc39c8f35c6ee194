"""Orders about the running of the system."""

from gateway.dashboard.ordering import Order
from gateway.door import OPERATOR, VIEWER

ORDERS = (
    Order(
        name="refresh",
        path="/refresh",
        method="POST",
        api="/dashboard/refresh",
        who=VIEWER,
        label="Work out now",
        said="The figures are being worked out.",
        back="/dashboard",
    ),
    Order(
        name="retry",
        path="/failed-jobs/<uuid:id>/retry",
        method="POST",
        api="/failed-jobs/{id}/retry",
        who=OPERATOR,
        label="Retry",
        said="The job is sent again.",
        back="/dashboard/failed-jobs",
    ),
    Order(
        name="forget",
        path="/failed-jobs/<uuid:id>/forget",
        method="DELETE",
        api="/failed-jobs/{id}",
        who=OPERATOR,
        label="Forget",
        said="The failed job is forgotten.",
        back="/dashboard/failed-jobs",
        sure="What this job was to do will not be done.",
        is_grave=True,
    ),
    Order(
        name="retry-all",
        path="/failed-jobs/retry",
        method="POST",
        api="/failed-jobs/retry",
        who=OPERATOR,
        label="Retry all",
        said="All failed jobs are sent again.",
        back="/dashboard/failed-jobs",
    ),
    Order(
        name="run",
        path="/schedules/<name>/run",
        method="POST",
        api="/schedules/{name}/run",
        who=OPERATOR,
        label="Run now",
        said="The job was sent.",
        back="/dashboard/schedules",
    ),
)
