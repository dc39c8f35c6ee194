"""Who is logged in: tokens of the API, sealed in a cookie that no script can read."""

import hashlib
import json
import secrets
import threading
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from flask import Request, Response

from gateway import tokens
from gateway.dashboard.asking import Api, Asked
from hotspot.vault import CannotOpen, Vault

COOKIE = "hotspot_dashboard"
PATH = "/dashboard"
# Before its end, so that a page that asks ten things asks all of them with a token that is good.
RENEWED_BEFORE = timedelta(seconds=60)
# Pages asked for at the same time bring the same refresh token; its second use would end them all.
REMEMBERED_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Login:
    """One operator's login. `form_key` is in every form: another site cannot know it."""

    access_token: str
    refresh_token: str
    expires_at: float
    email: str
    form_key: str

    @classmethod
    def of(cls, granted: dict[str, object], *, email: str, now: datetime) -> "Login":
        """A login of what the API granted."""
        lives = timedelta(seconds=int(str(granted["expires_in"])))
        return cls(
            access_token=str(granted["access_token"]),
            refresh_token=str(granted["refresh_token"]),
            expires_at=(now + lives).timestamp(),
            email=email,
            form_key=secrets.token_urlsafe(24),
        )


class Logins:
    """Opens, renews and puts away logins."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._turn = threading.Lock()
        self._renewed: dict[str, tuple[float, Login]] = {}

    def of_request(self, request: Request) -> Login | None:
        """Who is logged in; None where nobody is."""
        try:
            return Login(**json.loads(self._vault.open(request.cookies.get(COOKIE, ""))))
        except (CannotOpen, ValueError, TypeError):
            return None

    def keep(self, response: Response, login: Login, *, secure: bool) -> None:
        """Give the browser its cookie."""
        response.set_cookie(
            COOKIE,
            self._vault.seal(json.dumps(asdict(login))),
            max_age=int(tokens.REFRESH_LIVES.total_seconds()),
            path=PATH,
            httponly=True,
            samesite="Strict",
            secure=secure,
        )

    def forget(self, response: Response) -> None:
        """Take it away."""
        response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="Strict")

    def fresh(self, login: Login, nobody: Api, now: datetime) -> Login | None:
        """The login with tokens that are good for a while; None where it has ended."""
        if login.expires_at - now.timestamp() > RENEWED_BEFORE.total_seconds():
            return login
        key = hashlib.sha256(login.refresh_token.encode()).hexdigest()
        with self._turn:
            self._forget_old()
            if key in self._renewed:
                return self._renewed[key][1]
            told = nobody.ask(
                Asked(
                    method="POST",
                    path="/auth/refresh",
                    body={"refresh_token": login.refresh_token},
                )
            )
            if told.status == 401:
                return None
            if not told.is_good:  # the API says why, in every part of the page
                return login
            granted = Login.of(told.json, email=login.email, now=now)
            # Forms that are open in other tabs stay good.
            renewed = replace(granted, form_key=login.form_key)
            self._renewed[key] = (time.monotonic(), renewed)
            return renewed

    def _forget_old(self) -> None:
        oldest = time.monotonic() - REMEMBERED_SECONDS
        self._renewed = {key: kept for key, kept in self._renewed.items() if kept[0] > oldest}
