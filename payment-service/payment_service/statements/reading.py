"""Reading M-Pesa's organisation statement: the CSV export, as it really comes.

Real ones begin with lines about the organisation, have a byte order mark, CRLF, quotes and
thousands separators, name one receipt twice (the charge for it), and end with totals.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from hotspot.clock import NAIROBI
from hotspot.contract.money import Money
from hotspot.contract.payments import StatementRow
from payment_service.mpesa.stk import receipt_of

T = TypeVar("T")

RECEIPT, TIME, DETAILS, STATUS = "Receipt No.", "Completion Time", "Details", "Transaction Status"
PAID_IN, WITHDRAWN = "Paid In", "Withdrawn"
NEEDED = (RECEIPT, TIME, DETAILS, STATUS, PAID_IN, WITHDRAWN)
# Longer exports have these too. They say more plainly what Details may leave out.
ACCOUNT, LINKED = "A/C No.", "Linked Transaction ID"

MOST_ERRORS = 20
ROWS_BETWEEN_BREATHS = 200
LONGEST_DETAILS = 500

_AMOUNT = re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+|\d{1,12})(?:\.(\d{1,2}))?", re.ASCII)
_TIMES = ("%Y-%m-%d %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%Y-%m-%d %H:%M", "%d-%m-%Y %H:%M")
_NAMED_RECEIPT = re.compile(r"\b(?=[A-Z]*\d)[A-Z][A-Z0-9]{9}\b", re.ASCII)
_REVERSAL = re.compile(r"revers", re.IGNORECASE)


class NotAStatement(Exception):
    """The file cannot be read. `errors`: what is wrong, by line and column."""

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(f"{where}: {' '.join(said)}" for where, said in errors.items()))
        self.errors = errors


@dataclass(frozen=True, kw_only=True)
class Statement:
    """Money that came in, once a receipt, and the time that the statement covers (UTC).

    `passed_over` counts the lines that are no payments, by reason.
    """

    rows: tuple[StatementRow, ...]
    begins_at: datetime
    ends_at: datetime
    passed_over: Mapping[str, int]


def read_statement(raw: bytes, breathe: Callable[[], object] = lambda: None) -> Statement:
    """Read the bytes of an export. Raises NotAStatement.

    `breathe` is called now and then: a process that serves others meanwhile lets them have a turn.
    """
    reading = _Reading()
    for number, line in enumerate(_lines(_text_of(raw), reading)):
        reading.take(line)
        if number % ROWS_BETWEEN_BREATHS == 0:
            breathe()
    return reading.finished()


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One transaction line: its number in the file, its cells by column."""

    number: int
    cells: Mapping[str, str]


@dataclass
class _Reading:
    """What was read so far."""

    rows: dict[str, StatementRow] = field(default_factory=dict)
    times: list[datetime] = field(default_factory=list)
    sent_back: set[str] = field(default_factory=set)
    passed_over: Counter[str] = field(default_factory=Counter)
    errors: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, number: int, column: str, said: str) -> None:
        """Note what is wrong; with enough of it, stop reading. Raises NotAStatement."""
        self.errors.setdefault(f"line {number}, {column}", []).append(said)
        if len(self.errors) >= MOST_ERRORS:
            raise NotAStatement(self.errors)

    def take(self, line: _Line) -> None:
        """One line: money in, or something that is none."""
        receipt = self._read(line, RECEIPT, receipt_of, "is not a receipt number")
        at = self._read(line, TIME, _time_of, "is not a time such as 2026-01-15 12:00:00")
        paid_in = self._read(line, PAID_IN, _cents_of, "is not an amount such as 1,250.00")
        withdrawn = self._read(line, WITHDRAWN, _cents_of, "is not an amount such as 1,250.00")
        if receipt is None or at is None or paid_in is None or withdrawn is None:
            return
        if line.cells[STATUS].casefold() != "completed":
            self.passed_over["not completed"] += 1
            return
        self.times.append(at)
        if paid_in <= 0:
            self._take_money_out(line, receipt)
            return
        row = StatementRow(
            receipt=receipt, completed_at=at, paid_in=Money(amount=paid_in), details=_details(line)
        )
        before = self.rows.setdefault(receipt, row)
        if before.paid_in != row.paid_in:
            said = f"receipt {receipt} came with {before.paid_in} before"
            self.refuse(line.number, PAID_IN, said)

    def finished(self) -> Statement:
        """All of it. Raises NotAStatement where anything was wrong."""
        if not self.errors and not self.times:
            self.errors["file"] = ["there is no completed transaction below the columns' names"]
        if self.errors:
            raise NotAStatement(self.errors)
        return Statement(
            rows=tuple(
                replace(row, sent_back=True) if row.receipt in self.sent_back else row
                for row in self.rows.values()
            ),
            begins_at=min(self.times),
            ends_at=max(self.times),
            passed_over=dict(self.passed_over),
        )

    def _take_money_out(self, line: _Line, receipt: str) -> None:
        """A charge, a withdrawal, or money that went back to its payer."""
        if not _REVERSAL.search(line.cells[DETAILS]):
            self.passed_over["money out"] += 1
            return
        self.passed_over["reversal"] += 1
        named = _NAMED_RECEIPT.findall(f"{line.cells[DETAILS]} {line.cells.get(LINKED, '')}")
        self.sent_back.update(named, (receipt,))

    def _read(
        self, line: _Line, column: str, read: Callable[[str], T | None], wrong: str
    ) -> T | None:
        value = read(line.cells[column])
        if value is None:
            self.refuse(line.number, column, f"{wrong}: {line.cells[column][:50]!r}")
        return value


def _text_of(raw: bytes) -> str:
    is_utf_16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))  # what spreadsheets call Unicode text
    try:
        return raw.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # names of payers have come so


def _lines(text: str, reading: _Reading) -> Iterator[_Line]:
    """The lines below the columns' names. Raises NotAStatement."""
    source = io.StringIO(text, newline=None)
    skipped, columns, delimiter = _find_columns(source)
    records = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        number = skipped + records.line_num + 1
        try:
            record = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            reading.refuse(number, "whole line", f"cannot be read: {error}")
            raise NotAStatement(reading.errors) from error
        cells = [cell.strip() for cell in record]
        if _is_a_transaction(cells, columns):
            yield from _complete(_Line(number=number, cells=_named(cells, columns)), reading)


def _find_columns(source: io.StringIO) -> tuple[int, Mapping[str, int], str]:
    """The line with the columns' names: its number, where each column is, and what parts them."""
    for number, text in enumerate(source, start=1):
        delimiter = max(",;\t", key=text.count)
        found = {_plain(cell): at for at, cell in enumerate(text.split(delimiter))}
        known = (*NEEDED, ACCOUNT, LINKED)
        columns = {name: found[_plain(name)] for name in known if _plain(name) in found}
        if RECEIPT not in columns:
            continue
        missing = [name for name in NEEDED if name not in columns]
        if missing:
            raise NotAStatement({f"line {number}, {name}": ["is missing"] for name in missing})
        return number, columns, delimiter
    raise NotAStatement({"file": [f"no line names the columns {', '.join(NEEDED)}"]})


def _plain(name: str) -> str:
    """A column's name without what exports write differently: dots, quotes, capitals."""
    return re.sub(r"[^a-z]", "", name.casefold())


def _is_a_transaction(cells: Sequence[str], columns: Mapping[str, int]) -> bool:
    """Totals and remarks below the transactions have neither a receipt nor a time."""
    named = _named(cells, columns)
    return bool(named.get(TIME)) or bool(_NAMED_RECEIPT.fullmatch(named.get(RECEIPT, "")))


def _named(cells: Sequence[str], columns: Mapping[str, int]) -> dict[str, str]:
    return {name: cells[at] for name, at in columns.items() if at < len(cells)}


def _complete(line: _Line, reading: _Reading) -> Iterator[_Line]:
    """The line, unless it was cut off."""
    missing = [name for name in NEEDED if name not in line.cells]
    if missing:
        reading.refuse(line.number, missing[0], "is missing: the line ends before it")
    else:
        yield line


def _details(line: _Line) -> str:
    details, account = line.cells[DETAILS], line.cells.get(ACCOUNT, "")
    if account and account.casefold() not in details.casefold():
        details = f"{details} Acc. {account}"
    return details.replace("\x00", "")[:LONGEST_DETAILS]


def _time_of(text: str) -> datetime | None:
    """East Africa Time, written either way round."""
    for form in _TIMES:
        try:
            local = datetime.strptime(text.replace("/", "-"), form).replace(tzinfo=NAIROBI)
        except ValueError:
            continue
        return local.astimezone(UTC)
    return None


def _cents_of(text: str) -> int | None:
    """Shillings with or without thousands separators, in cents; an empty cell is none of them."""
    if text in ("", "-"):
        return 0
    fits = _AMOUNT.fullmatch(text)
    if fits is None:
        return None
    sign, whole, part = fits.groups()
    cents = int(whole.replace(",", "")) * 100 + int((part or "0").ljust(2, "0"))
    return -cents if sign == "-" else cents
