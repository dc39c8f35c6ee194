"""How a timeline and tables are printed."""

import io

from rich.console import Console

from hotspot.command.operate import print_table, timeline


def item(message: str, at: str, **more: object) -> dict[str, object]:
    return {"message": message, "at": at, "kind": "job", "service": "payment", **more}


def test_times_count_from_the_callback() -> None:
    rows = timeline(
        [
            item("RequestPaymentJob", "2026-01-01T00:00:00.000Z", attempt=1, queued_ms=4),
            item("RecordStkCallbackJob", "2026-01-01T00:00:01.500Z", duration_ms=12.4),
            item("SmsSent", "2026-01-01T00:00:01.750Z", outcome="retry", error="away"),
        ]
    )

    assert [row[0] for row in rows] == ["-1500 ms", "+0 ms", "+250 ms"]
    assert rows[0][4:6] == [1, "4 ms"]
    assert rows[1][6] == "12 ms"
    assert rows[2][7] == "retry away"


def test_times_count_from_the_beginning_before_there_is_a_callback() -> None:
    rows = timeline([item("RequestPaymentJob", "2026-01-01T00:00:00Z")])

    assert rows[0][0] == "+0 ms"
    assert timeline([]) == []


def test_a_table_that_nobody_watches_is_plain_text() -> None:
    out = io.StringIO()

    print_table(Console(file=out, width=20), ["NAME", "COUNT"], [["[x]" + "y" * 40, 1], [None, 22]])

    assert out.getvalue().splitlines() == [
        "NAME                                         COUNT",
        "[x]" + "y" * 40 + "  1",
        " " * 45 + "22",
    ]
