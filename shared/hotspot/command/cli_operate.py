"""The subcommands that operate a running system: accounts, M-Pesa, failed jobs, queues, traces."""

import re
from typing import TYPE_CHECKING

import click

from hotspot.command.home import Home
from hotspot.command.progress import Progress
from hotspot.command.system import running_system

if TYPE_CHECKING:
    from hotspot.command.api import Api

ROLES = ("owner", "operator", "support", "viewer")


@click.group()
def operator() -> None:
    """Operators' accounts."""


@operator.command("add")
@click.option("--email", required=True)
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--password", help="Asked for where it is not given.")
@click.pass_obj
def operator_add(home: Home, email: str, role: str, password: str | None) -> None:
    """Make an account, or give one a new role and password."""
    from hotspot.command.operators import add

    if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise click.BadParameter(f"{email!r} is not an email address", param_hint="--email")
    running = running_system(home)
    if password is None:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    add(home, running, email=email, role=role, password=password)
    click.echo(f"{email} may log in as {role}.")


@click.group()
def mpesa() -> None:
    """What M-Pesa must be told once."""


@mpesa.command("register-urls")
@click.pass_obj
def mpesa_register_urls(home: Home) -> None:
    """Have M-Pesa report payments that are made without a prompt (paybill, till)."""
    from hotspot.command.mpesa import register_urls

    click.echo(register_urls(running_system(home)))


@click.group()
def jobs() -> None:
    """Jobs that were given up."""


@jobs.command("failed")
@click.pass_obj
def jobs_failed(home: Home) -> None:
    """List them."""
    from hotspot.command import operate

    operate.failed_jobs(Progress().console, _owner(home))


@jobs.command("show")
@click.argument("job", metavar="ID", type=click.UUID)
@click.pass_obj
def jobs_show(home: Home, job: object) -> None:
    """Print one with its payload and traceback."""
    from hotspot.command import operate

    operate.show_failed_job(Progress().console, _owner(home), str(job))


@jobs.command("retry")
@click.argument("job", metavar="ID|all")
@click.pass_obj
def jobs_retry(home: Home, job: str) -> None:
    """Send one, or all of them, again."""
    from hotspot.command import operate

    if job != "all":
        job = str(click.UUID.convert(job, None, None))
    operate.retry(Progress().console, _owner(home), job)


@jobs.command("flush")
@click.pass_obj
def jobs_flush(home: Home) -> None:
    """Forget all of them."""
    from hotspot.command import operate

    operate.flush(Progress().console, _owner(home))


@click.command()
@click.pass_obj
def queues(home: Home) -> None:
    """List the queues: what is ready, what is being worked on, and by how many."""
    from hotspot.command import operate

    operate.queues(Progress().console, _owner(home))


@click.command()
@click.argument("payment", metavar="ID", type=click.UUID)
@click.pass_obj
def trace(home: Home, payment: object) -> None:
    """Print the timeline of a payment, by its id or its correlation id."""
    from hotspot.command import operate

    operate.trace(Progress().console, _owner(home), str(payment))


def _owner(home: Home) -> "Api":
    from hotspot.clock import utc_now
    from hotspot.command.api import gateway_as_owner

    return gateway_as_owner(running_system(home), utc_now())
