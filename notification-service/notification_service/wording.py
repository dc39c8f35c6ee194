"""What the messages say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.clock import NAIROBI
from hotspot.contract.money import Money
from notification_service import gsm
from notification_service.models import Template

_NAME = re.compile(r"\{(\w+)\}")
_SUSPENDED: Final = {
    "unpaid": "account_suspended",
    "operator": "account_suspended_by_operator",
    "reversed": "account_suspended_reversed",
}
# As long as a password: both texts are cut alike.
HIDDEN = "********"


class NoSuchTemplate(LookupError):
    """The words of this message are in the database in no language."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a buyer must know to log in."""

    username: str
    password: str = field(repr=False)
    package: str
    until: datetime
    receipt: str | None = None


@dataclass(frozen=True, kw_only=True)
class Words:
    """A text as it is sent, and as operators may read it."""

    full: str = field(repr=False)
    shown: str


@dataclass(frozen=True, kw_only=True)
class Wording:
    """Writes messages in one language, from the templates in the database."""

    language: str
    paybill: str = ""

    def credentials(self, session: Session, told: Credentials) -> Words:
        """Username and password in one SMS.

        Where it would not fit, the receipt goes first (M-Pesa has sent it too), then the end of
        the package's name; what one needs to log in always stays.
        """
        plain = self._template(session, "credentials")
        if told.receipt is None:
            return _words(plain, told)
        words = _words(self._template(session, "credentials_with_receipt"), told)
        if (
            gsm.length(words.full) <= gsm.ONE_PART
            and gsm.to_gsm(told.package).strip() in words.full
        ):
            return words
        return _words(plain, told)

    def suspended(
        self,
        session: Session,
        *,
        reason: Literal["unpaid", "operator", "reversed"],
        phone: str,
        price: Money | None,
    ) -> str:
        """The subscription was suspended, and how to be online again."""
        template = self._template(session, _SUSPENDED[reason])
        return self._how_to_pay(session).filled(template, {}, "", phone=phone, price=price)

    def unsuspended(self, session: Session) -> str:
        """The subscription is active."""
        return gsm.to_gsm(self._template(session, "account_unsuspended"))

    def reminders(self, session: Session) -> "ReminderWords":
        """The words for many reminders, read once."""
        return ReminderWords(
            soon=self._template(session, "payment_reminder"),
            over=self._template(session, "payment_reminder_over"),
            how=self._how_to_pay(session),
        )

    def _how_to_pay(self, session: Session) -> "HowToPay":
        name = "how_to_pay" if self.paybill else "how_to_pay_on_the_page"
        return HowToPay(template=self._template(session, name), paybill=self.paybill)

    def _template(self, session: Session, name: str) -> str:
        wanted = select(Template.language, Template.text).where(
            Template.name == name, Template.language.in_([self.language, "en"])
        )
        found: dict[str, str] = {row.language: row.text for row in session.execute(wanted)}
        text = found.get(self.language) or found.get("en")
        if text is None:
            raise NoSuchTemplate(f"there is no template {name!r}")
        return text


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A subscription whose paid time is over soon, or since this morning."""

    phone: str
    package: str
    price: Money | None
    until: datetime
    is_over: bool


@dataclass(frozen=True, kw_only=True)
class HowToPay:
    """How a subscriber pays: to the Paybill, or on the portal's page."""

    template: str
    paybill: str

    def filled(
        self,
        template: str,
        values: Mapping[str, str],
        package: str,
        *,
        phone: str,
        price: Money | None,
    ) -> str:
        """A text that says so, with as much of the package's name as one SMS has room for."""
        how = _filled(
            self.template,
            {
                "paybill": self.paybill,
                "account": "0" + phone.removeprefix("254"),
                "price": amount(price) if price else "",
            },
        )
        text = _fitted(template, {**values, "how_to_pay": how}, package)
        # Where no price or package is known, the gap closes.
        return " ".join(text.split())


@dataclass(frozen=True, kw_only=True)
class ReminderWords:
    """Writes reminders."""

    soon: str
    over: str
    how: HowToPay

    def text(self, ending: Ending) -> str:
        """Until when it is, or was, paid, and how to pay."""
        template = self.over if ending.is_over else self.soon
        values = {"until": moment(ending.until)}
        return self.how.filled(
            template, values, ending.package, phone=ending.phone, price=ending.price
        )


def amount(price: Money) -> str:
    """A price as people write it: KES 1500, and cents only where there are some."""
    return str(price).removesuffix(".00")


def moment(when: datetime) -> str:
    """A time as people in Kenya read it: 22/11/2026 14:05, on their clocks."""
    return f"{when.astimezone(NAIROBI):%d/%m/%Y %H:%M}"


def _words(template: str, told: Credentials) -> Words:
    values = {
        "username": told.username,
        "until": moment(told.until),
        "receipt": told.receipt or "",
    }
    full = _fitted(template, values | {"password": told.password}, told.package)
    shown = _fitted(template, values | {"password": HIDDEN}, told.package)
    return Words(full=full, shown=shown)


def _fitted(template: str, values: Mapping[str, str], package: str) -> str:
    """Filled in, with as much of the package's name as one SMS has room for."""
    bare = gsm.length(_filled(template, {**values, "package": ""}))
    name = gsm.shorten(gsm.to_gsm(package).strip(), max(gsm.ONE_PART - bare, 0))
    return _filled(template, {**values, "package": name})


def _filled(template: str, values: Mapping[str, str]) -> str:
    # Not str.format: a template is data, and must not reach into objects.
    replaced = _NAME.sub(lambda found: values.get(found[1], found[0]), template)
    return gsm.to_gsm(replaced)
