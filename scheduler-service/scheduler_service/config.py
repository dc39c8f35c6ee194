"""Settings of scheduler-service."""

from dataclasses import dataclass
from datetime import time
from pathlib import Path
from urllib.parse import urlsplit

from environs import Env, EnvError

from hotspot.settings import CommonConfig, common


@dataclass(frozen=True, kw_only=True)
class DailyHours:
    """When the daily jobs are due, on the clocks of Nairobi."""

    grace_period: time = time(0, 30)
    rotate_logs: time = time(3, 0)
    payment_reminders: time = time(9, 0)


@dataclass(frozen=True, kw_only=True)
class Config(CommonConfig):
    """What scheduler-service reads from its environment.

    `log_dir`: the folder of the local processes' log files; None where they go elsewhere, as in
    containers. `log_kept_days`: for how long they are kept, compressed. `disk_path`: on the disk
    that is watched.
    """

    daily: DailyHours
    rabbitmq_management_url: str | None
    log_dir: Path | None
    log_kept_days: int
    disk_path: Path


def load(env: Env) -> Config:
    """The settings from the environment. Raises EnvError."""
    hours = DailyHours()
    log_dir = _folder(env, "LOG_DIR")
    return Config(
        **common(env, "scheduler"),  # type: ignore[arg-type]  # its keys are CommonConfig's
        daily=DailyHours(
            grace_period=_time(env, "GRACE_PERIOD_AT", hours.grace_period),
            rotate_logs=_time(env, "ROTATE_LOGS_AT", hours.rotate_logs),
            payment_reminders=_time(env, "PAYMENT_REMINDERS_AT", hours.payment_reminders),
        ),
        rabbitmq_management_url=_management_url(env),
        log_dir=log_dir,
        log_kept_days=_days(env, "LOG_KEPT_DAYS", 14),
        disk_path=_folder(env, "DISK_PATH") or log_dir or Path("/"),
    )


def _time(env: Env, name: str, default: time) -> time:
    text: str = env.str(name, "") or f"{default:%H:%M}"
    hours, colon, minutes = text.partition(":")
    digits = hours + minutes
    if not (colon and len(minutes) == 2 and digits.isascii() and digits.isdigit()):
        raise EnvError(f"{name} must be a time of day such as 03:00")
    try:
        return time(int(hours), int(minutes))
    except ValueError as error:
        raise EnvError(f"{name} must be a time of day such as 03:00: {error}") from error


def _management_url(env: Env) -> str | None:
    url: str = env.str("RABBITMQ_MANAGEMENT_URL", "").rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if url and not usable:
        raise EnvError("RABBITMQ_MANAGEMENT_URL must be a URL such as http://127.0.0.1:15672")
    return url or None


def _folder(env: Env, name: str) -> Path | None:
    text: str = env.str(name, "")
    if text and not Path(text).is_dir():
        raise EnvError(f"{name}={text} is no folder")
    return Path(text) if text else None


def _days(env: Env, name: str, default: int) -> int:
    days: int = env.int(name, default)
    if not 1 <= days <= 3650:
        raise EnvError(f"{name} must be a number of days from 1 to 3650")
    return days
