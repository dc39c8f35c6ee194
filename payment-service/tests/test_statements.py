"""Reading statements as they really come, and saying where a bad one is bad."""

from datetime import UTC, datetime

import pytest

from hotspot.contract.money import Money
from payment_service.statements.findings import Payer, payer_in
from payment_service.statements.reading import NotAStatement, Statement, read_statement

HEADER = "Receipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn,Balance"
NOON = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
EXPORT = f"""\ufeffAcme Hotspots Ltd
Organization Name:,"Acme Hotspots, Ltd"
Time Period,From 15-01-2026 To 15-01-2026

{HEADER}
UAF7RT61SV,2026-01-15 12:00:00,"Pay Bill from 254712***678 - JOHN ""JD"" DOE Acc. HOUR1",Completed,20.00,,"1,270.00"
UAF7RT61SV,2026-01-15 12:00:00,Pay merchant Charge,Completed,,-0.11,"1,269.89"
UAF7RT61SW,15-01-2026 13:05:10,Pay Bill Online from 254798765432 - MARY WANJIRU Acc. 4F0A1B2C3D4E,Completed,"1,250.00",,"2,519.89"
UAF7RT61SX,2026-01-15 14:00:00,Pay Bill from 0722000111 - X,Failed,30.00,,"2,519.89"
UAF7RT61SY,2026-01-15 18:00:00,Business Payment to Bank,Completed,,"-2,000.00",519.89

Total,,,,"1,270.00","-2,000.11",
"""  # noqa: E501


def read(text: str) -> Statement:
    return read_statement(text.encode())


def lines(*rows: str) -> str:
    return "\n".join((HEADER, *rows))


def test_a_real_export_is_read() -> None:
    statement = read(EXPORT.replace("\n", "\r\n"))
    first, second = statement.rows
    assert (first.receipt, first.completed_at, first.paid_in) == (
        "UAF7RT61SV",
        NOON,
        Money.shillings(20),
    )
    assert first.details == 'Pay Bill from 254712***678 - JOHN "JD" DOE Acc. HOUR1'
    assert second.paid_in == Money.shillings(1250)
    assert second.completed_at == datetime(2026, 1, 15, 10, 5, 10, tzinfo=UTC)
    assert (statement.begins_at, statement.ends_at.hour) == (NOON, 15)
    assert statement.passed_over == {"money out": 2, "not completed": 1}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_names_of_payers_come_in_several_encodings(encoding: str) -> None:
    row = "UAF7RT61SV,2026-01-15 12:00,Pay Bill from 254712345678 - JOSÉ Acc. H,Completed,20,0,0"
    (read_row,) = read_statement(lines(row).encode(encoding)).rows
    assert "JOSÉ" in read_row.details


@pytest.mark.parametrize("between", [";", "\t"])
def test_other_separators_are_understood(between: str) -> None:
    row = between.join(
        ["UAF7RT61SV", "15/01/2026 12:00:00", "Pay Bill", "Completed", "1,020.50", "", ""]
    )
    (read_row,) = read(HEADER.replace(",", between) + "\n" + row).rows
    assert read_row.paid_in == Money(amount=102_050)


def test_longer_exports_name_the_account_in_a_column_of_its_own() -> None:
    header = "Receipt No.,Completion Time,Initiation Time,Details,Transaction Status,Paid In,"
    header += "Withdrawn,Balance,A/C No."
    row = "UAF7RT61SV,2026-01-15 12:00:00,x,Pay Bill from 254712345678 - J,COMPLETED,20.00,,1,HOUR1"
    (read_row,) = read(f"{header}\n{row}").rows
    assert payer_in(read_row.details) == Payer(phone="254712345678", reference="HOUR1")


def test_money_that_went_back_is_marked() -> None:
    statement = read(
        lines(
            "UAF7RT61SV,2026-01-15 12:00:00,Pay Bill from 254712345678,Completed,20.00,,20.00",
            "UAF7RT61SW,2026-01-15 12:01:00,Pay Bill from 254712345678,Completed,20.00,,40.00",
            "UAF7RT61SX,2026-01-15 12:09:00,Pay Bill Reversal of UAF7RT61SV,Completed,,-20.00,20",
        )
    )
    assert [row.sent_back for row in statement.rows] == [True, False]


def test_a_row_that_stands_twice_counts_once() -> None:
    row = "UAF7RT61SV,2026-01-15 12:00:00,Pay Bill,Completed,20.00,,20.00"
    assert len(read(lines(row, row)).rows) == 1


GOOD = "UAF7RT61SV,2026-01-15 12:00:00,Pay Bill,Completed,20.00,,20.00"


@pytest.mark.parametrize(
    ("bad", "where", "said"),
    [
        (GOOD.replace("2026-01-15", "15 Jan"), "line 3, Completion Time", "is not a time"),
        (GOOD.replace("UAF7RT61SV", "???"), "line 3, Receipt No.", "is not a receipt"),
        (GOOD.replace("20.00,,", "20 bob,,"), "line 3, Paid In", "is not an amount"),
        (GOOD.replace(",,", ",1.2.3,"), "line 3, Withdrawn", "is not an amount"),
        ("UAF7RT61SW,2026-01-15 12:00:00,Pay Bill", "line 3, Transaction Status", "is missing"),
        (GOOD.replace("20.00,,", "30.00,,"), "line 3, Paid In", "came with KES 20.00 before"),
        ('UAF7RT61SW,2026-01-15 12:00:00,"Pay Bill', "line 3, whole line", "cannot be read"),
    ],
)
def test_a_bad_line_is_named_with_its_column(bad: str, where: str, said: str) -> None:
    with pytest.raises(NotAStatement) as caught:
        read(lines(GOOD, bad))
    assert list(caught.value.errors) == [where]
    assert said in " ".join(caught.value.errors[where])


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "file"),
        ("hello, world", "file"),
        (HEADER, "file"),
        (HEADER.replace("Paid In,", "") + "\n" + GOOD, "line 1, Paid In"),
    ],
)
def test_a_file_that_is_no_statement_says_why(text: str, where: str) -> None:
    with pytest.raises(NotAStatement) as caught:
        read(text)
    assert list(caught.value.errors) == [where]


def test_a_file_of_nonsense_is_given_up_after_some_errors() -> None:
    with pytest.raises(NotAStatement) as caught:
        read(lines(*[GOOD.replace("12:00:00", "noon")] * 1000))
    assert len(caught.value.errors) == 20


@pytest.mark.parametrize(
    ("details", "payer"),
    [
        (
            "Pay Bill from 254712***678 - JOHN DOE Acc. 1HOUR",
            Payer(masked_phone="254712***678", reference="1HOUR"),
        ),
        (
            "Pay Bill Online from 254712345678 - John Doe Acc. AB 12",
            Payer(phone="254712345678", reference="AB 12"),
        ),
        ("Merchant Payment from 0712 345 678 - JOHN", Payer(phone="254712345678")),
        ("Customer Payment from 2547 ***** 678 - JOHN", Payer(masked_phone="2547 ***** 678")),
        ("Business Deposit from 1234", Payer()),
        ("", Payer()),
    ],
)
def test_who_paid_what_for_is_read_from_the_details(details: str, payer: Payer) -> None:
    assert payer_in(details) == payer
