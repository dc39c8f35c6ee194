"""The subcommand that prepares a checkout for `docker compose up`."""

import click

from hotspot.command.home import Home
from hotspot.command.progress import Progress


@click.command("compose-secrets")
@click.option("--demo", is_flag=True, help="For the stand-ins, instead of the real outside world.")
@click.pass_obj
def compose_secrets(home: Home, demo: bool) -> None:
    """Make what docker compose needs: secrets in compose/secrets/, settings in .env.

    What is there already is never changed.
    """
    from hotspot.command import compose_secrets as making

    progress = Progress()
    folder = home.checkout / "compose" / "secrets"
    made = making.make(folder, home.checkout / ".env", demo=demo)
    progress.say(
        f"Made in {folder}: {', '.join(made.written)}." if made.written else "All is there already."
    )
    if demo:
        progress.say("Start it: docker compose up --detach")
        return
    if made.to_fill:
        progress.say(f"To be filled by you, in {folder}: {', '.join(made.to_fill)}.")
    progress.say(f"Fill in {home.checkout / '.env'}, then: docker compose up --detach")
