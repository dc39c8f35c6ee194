"""The subcommands that keep all databases safe: backup, restore, and what heals after one."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hotspot.command.errors import Unable
from hotspot.command.home import Home
from hotspot.command.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotspot.command.backup_manifest import Manifest
    from hotspot.command.backup_places import Place

_KEYS_ARE_APART = """\
THE KEYS ARE NOT IN IT. Passwords are sealed in the dumps, and nobody opens them without
ENCRYPTION_KEYS. Keep {where} in another place than the backup, as safe: with the keys
the backup opens every login, and without them none."""


@click.command()
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the backup's own folder is made; by default backups/ in HOTSPOT_HOME.",
)
@click.pass_obj
def backup(home: Home, folder: Path | None) -> None:
    """Back up the databases of all services, while they run.

    \b
    Of this copy; or of any installation, whose databases are named by
    DATABASE_URL_PAYMENT, DATABASE_URL_PROVISIONING, ... (one for each service).
    """
    from hotspot.clock import utc_now
    from hotspot.command import backup_places, backup_taking
    from hotspot.command.backup_manifest import version_of

    progress, now = Progress(), utc_now()
    with backup_places.reached(home, os.environ) as places, progress.step("Databases dumped"):
        made = backup_taking.take(
            places,
            (folder or home.path / "backups").absolute(),
            now=now,
            version=version_of(home.checkout),
            keys=backup_places.keys_of(home, os.environ),
            environ=os.environ,
        )
    size = sum(file.stat().st_size for file in made.iterdir())
    progress.say(f"{made}  ({size / 1_000_000:.1f} MB)")
    own = home.secrets.exists() and not os.environ.get("ENCRYPTION_KEYS")
    where = str(home.secrets) if own else "the secret that holds them"
    progress.say(_KEYS_ARE_APART.format(where=where))


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Lose what is in the databases now.")
@click.pass_obj
def restore(home: Home, folder: Path, replace: bool) -> None:
    """Put a backup back: all databases, or none.

    The services must be stopped: ./hotspot down. Where DATABASE_URL_PAYMENT and so on name the
    databases, nothing but this command may be connected to them.
    """
    from hotspot.command import backup_manifest, backup_places, backup_restoring

    progress = Progress()
    manifest = backup_manifest.read(folder)
    progress.say(f"Backup of {manifest.taken_at}, by version {manifest.version}")
    with progress.step("The backup is whole, and fits"):
        # Before anything is started: that would make new secrets where the old ones are missing.
        keys = backup_places.keys_of(home, os.environ)
        backup_restoring.check(folder, manifest, keys=keys)
    with backup_places.reached(home, os.environ, at_rest=True) as places:
        tasks = backup_restoring.plan(folder, manifest, places, replace=replace, environ=os.environ)
        with progress.step("Databases restored"):
            backup_restoring.restore(tasks)
        _make_whole(places, progress)
    _say_what_remains(manifest, progress)


@click.command("ask-again")
@click.pass_obj
def ask_again(home: Home) -> None:
    """Have each service ask the others for what they may have forgotten.

    After a database was put back by other means than `restore`: by its operator in Kubernetes, to
    a point in time. `restore` does it by itself. It may be run at any time, and again.
    """
    from hotspot.command import backup_places

    progress = Progress()
    with backup_places.reached(home, os.environ) as places:
        _ask(places, progress)


def _make_whole(places: "Sequence[Place]", progress: Progress) -> None:
    """What follows a restore. The data is there by now: this can be run again by hand."""
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    from hotspot.command import backup_healing

    try:
        with progress.step("Databases migrated"):
            migrated = backup_healing.migrate_all(places)
        for service, revisions in migrated.items():
            progress.say(f"    {service}: {', '.join(revisions)}")
        _ask(places, progress)
    except (SQLAlchemyError, CommandError) as error:
        raise Unable(
            "All databases are restored. What should follow failed: run the services' migrations "
            f"and then ./hotspot ask-again.\n{type(error).__name__}: {error}"
        ) from error


def _ask(places: "Sequence[Place]", progress: Progress) -> None:
    from hotspot.clock import utc_now
    from hotspot.command import backup_healing

    with progress.step("Services told to ask again for what others may have forgotten"):
        asked: Mapping[str, int] = backup_healing.ask_again(places, utc_now())
    for service, count in asked.items():
        progress.say(f"    {service}: {count} messages, sent when its workers run")


def _say_what_remains(manifest: "Manifest", progress: Progress) -> None:
    progress.say(
        f"Everything is as it was at {manifest.taken_at}. Start the system, then import M-Pesa's "
        "statement since then: what was paid meanwhile is in it "
        "(docs/upgrading.md, After a restore)."
    )
