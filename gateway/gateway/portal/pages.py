"""The look of the guests' pages: templates, one style sheet, two small scripts, and the policy."""

import base64
import gzip
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

from flask import Response, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.portal.asking import Wrong
from gateway.portal.settings import PortalSettings
from gateway.portal.words import (
    LANGUAGES,
    Words,
    data,
    load,
    moment,
    said_phone,
    shillings,
    speed,
)

_HERE = Path(__file__).parent
_STATIC = _HERE / "static"
_SCRIPTS = ("portal.js", "chap.js")
_A_YEAR = 365 * 24 * 3600
# Kept when a guest changes the language: which page it is.
_KEPT_ARGUMENTS = ("new", "in", "go", "error", "voucher")


class Pages:
    """Renders a page in the guest's language."""

    def __init__(self, settings: PortalSettings) -> None:
        self._provider = settings.provider
        style = (_STATIC / "portal.css").read_text(encoding="utf-8")
        self._style = style.replace("#0a5c36", settings.colour)
        self._style_hash = _sha256(self._style)
        texts = {name: (_STATIC / name).read_bytes() for name in _SCRIPTS}
        # The digest is in the name: a phone keeps it for ever, and a new version is a new file.
        self._links = {name: f"/portal/{_digest(text)}/{name}" for name, text in texts.items()}
        self._files = {link: texts[name] for name, link in self._links.items()}
        self._words = {language: load(language) for language in LANGUAGES}
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            shillings=shillings,
            speed=speed,
            data=data,
            moment=moment,
            said_phone=said_phone,
            links=self._links,
            provider=self._provider,
        )

    def words(self) -> Words:
        """The language of the request in hand: chosen now, chosen before, or the phone's."""
        for chosen in (request.args.get("lang"), request.cookies.get("lang")):
            if chosen in LANGUAGES:
                return self._words[chosen]
        best = request.accept_languages.best_match(LANGUAGES, default=LANGUAGES[0])
        return self._words[best or LANGUAGES[0]]

    def render(
        self,
        name: str,
        *,
        status: int = 200,
        forms_to: Sequence[str] = (),
        scripts: Sequence[str] = (),
        **values: object,
    ) -> Response:
        """A page. `forms_to`: origins that its forms may lead to, beside ours."""
        words = self.words()
        text = self._templates.get_template(name).render(
            values
            | {
                "say": words,
                "style": self._style,
                "scripts": [self._links[script] for script in scripts],
                "others": self._in_other_languages(words),
                "layout": "part.html" if "part" in request.args else "page.html",
            }
        )
        response = _packed(text.encode(), "text/html; charset=utf-8", status)
        response.headers["Cache-Control"] = "no-store"
        if "part" in request.args:
            return response  # for the script of a page, which has its policy
        response.headers["Content-Security-Policy"] = self._policy(forms_to)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Content-Language"] = words.language
        return response

    def text_of(self, wrong: Wrong) -> str:
        """What is wrong, in the guest's words."""
        words = self.words()
        if wrong.wait:
            return words(wrong.key, time=words.duration(wrong.wait))
        return words.texts.get(wrong.key) or words("problem.other")

    def sorry(self, wrong: Wrong) -> Response:
        """Instead of a page that cannot be shown."""
        return self.render(
            "sorry.html",
            status=wrong.status,
            heading=self.words()("problem.title"),
            text=self.text_of(wrong),
            lost=False,
            again=request.path,
            refresh=wrong.status >= 500,
        )

    def lost(self) -> Response:
        """Instead of the page of a payment that this browser has no claim to."""
        words = self.words()
        return self.render(
            "sorry.html",
            status=401,
            heading=words("problem.lost_title"),
            text=words("problem.lost"),
            lost=True,
            again=request.path,
            refresh=False,
        )

    def script(self, link: str) -> Response | None:
        """A script by its address."""
        text = self._files.get(link)
        if text is None:
            return None
        response = _packed(text, "text/javascript; charset=utf-8", 200)
        response.headers["Cache-Control"] = f"public, max-age={_A_YEAR}, immutable"
        return response

    def _policy(self, forms_to: Sequence[str]) -> str:
        self_and = ("'self'", *forms_to)
        return (
            f"default-src 'none'; style-src 'sha256-{self._style_hash}'; script-src 'self';"
            " connect-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none';"
            f" form-action {' '.join(self_and)}"
        )

    def _in_other_languages(self, words: Words) -> list[Mapping[str, str]]:
        kept = {name: request.args[name] for name in _KEPT_ARGUMENTS if name in request.args}
        return [
            {
                "code": code,
                "name": self._words[code]("page.language"),
                "link": f"{request.path}?{urlencode({**kept, 'lang': code})}",
            }
            for code in LANGUAGES
            if code != words.language
        ]


def _packed(body: bytes, kind: str, status: int) -> Response:
    """A guest's air time is paid for: everything is sent small to whoever can unpack it."""
    is_packed = request.accept_encodings.quality("gzip") > 0
    response = Response(
        gzip.compress(body, 6, mtime=0) if is_packed else body, status=status, content_type=kind
    )
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    return response


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:12]
