"""Settings of provisioning-service."""

from dataclasses import dataclass
from datetime import timedelta

from environs import Env, EnvError

from hotspot.settings import CommonConfig, common


@dataclass(frozen=True, kw_only=True)
class Config(CommonConfig):
    """`grace`: how long a subscription may stay unpaid before it is suspended."""

    grace: timedelta


def load(env: Env) -> Config:
    """Read from the environment. Raises EnvError."""
    days: int = env.int("SUBSCRIPTION_GRACE_DAYS", 3)
    if not 0 <= days <= 365:
        raise EnvError("SUBSCRIPTION_GRACE_DAYS must be from 0 to 365")
    return Config(**common(env, "provisioning"), grace=timedelta(days=days))  # type: ignore[arg-type]
