"""What a router reports, and what becomes of a session by it, as plain decisions."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.testing.handling import NOON
from radius_service.accounting import SILENT, Report, Status, Stay, after, is_another, report_of
from radius_service.packets import Malformed, read

from .conftest import Vectors
from .world import GIB, SECRET, accounting, bytes_of

MINUTE = timedelta(minutes=1)


def reported(packet: Any) -> Report:
    return heard(bytes_of(packet))


def heard(data: bytes) -> Report:
    request = read(data, secret=SECRET, signed=True)
    report = report_of(request, source="10.9.9.9", received_at=NOON)
    assert report is not None
    return report


def says(status: Status, *, minute: int = 0, counted: int = 0) -> Report:
    return replace(
        reported(accounting("Start")),
        status=status,
        at=NOON + minute * MINUTE,
        session_seconds=minute * 60,
        bytes_in=counted,
        bytes_out=counted,
        cause="User-Request" if status == "stop" else None,
    )


def told(*reports: Report) -> tuple[Stay, list[str]]:
    stay: Stay | None = None
    changes: list[str] = []
    for report in reports:
        stay, changed = after(stay, report)
        changes += changed
    assert stay is not None
    return stay, changes


def test_the_recorded_start_is_read(vectors: Vectors) -> None:
    report = heard(vectors["valid"]["acct_start"])
    assert (report.status, report.username, report.session_id) == ("start", "alice", "80200001")
    assert (report.mac, report.ip) == ("02:00:5E:10:00:01", "10.5.50.10")
    assert (report.nas_address, report.nas_source) == ("10.8.0.2", "10.9.9.9")
    assert (report.nas_identifier, report.port_id) == ("MikroTik", "bridge-hs")


def test_counters_have_64_bits(vectors: Vectors) -> None:
    report = heard(vectors["valid"]["acct_interim_gigawords"])
    assert report.bytes_in == 0xFFFFFFF0 + 1 * 4 * GIB
    assert report.bytes_out == 5 + 2 * 4 * GIB


def test_the_recorded_stop_names_its_cause(vectors: Vectors) -> None:
    report = heard(vectors["valid"]["acct_stop"])
    assert (report.status, report.session_seconds, report.cause) == (
        "stop",
        900,
        "Session-Timeout",
    )


def test_all_reports_of_a_session_share_one_id_and_no_other_has_it(vectors: Vectors) -> None:
    ids = {
        heard(vectors["valid"][name]).unique_id
        for name in ("acct_start", "acct_interim_gigawords", "acct_stop")
    }
    assert len(ids) == 1
    assert reported(accounting("Start", session="80200002")).unique_id not in ids
    usual = reported(accounting("Start"))
    assert reported(accounting("Stop", Acct_Delay_Time=9)).unique_id == usual.unique_id
    assert reported(accounting("Start", username="bob")).unique_id != usual.unique_id
    elsewhere = accounting("Start")
    elsewhere["NAS-Identifier"] = "site-2"
    assert reported(elsewhere).unique_id != usual.unique_id


def test_a_report_that_waited_happened_when_it_was_written() -> None:
    assert reported(accounting("Start", Acct_Delay_Time=30)).at == NOON - timedelta(seconds=30)


def test_class_brings_the_grant_back() -> None:
    grant = "01900000-0000-7000-8000-000000000001"
    assert str(reported(accounting("Start", Class=grant.encode())).grant_id) == grant
    assert reported(accounting("Start", Class=b"sess-1")).grant_id is None
    assert reported(accounting("Start")).grant_id is None


@pytest.mark.parametrize("missing", ["Acct-Status-Type", "Acct-Session-Id"])
def test_a_report_about_no_session_is_dropped(missing: str) -> None:
    packet = accounting("Start")
    del packet[missing]
    with pytest.raises(Malformed):
        reported(packet)


def test_a_stay_from_start_to_stop() -> None:
    stay, changes = told(
        says("start"), says("interim", minute=5, counted=100), says("stop", minute=8, counted=150)
    )
    assert changes == ["started", "ended"]
    assert (stay.started_at, stay.stopped_at) == (NOON, NOON + 8 * MINUTE)
    assert (stay.seconds, stay.bytes_in, stay.cause) == (480, 150, "User-Request")


def test_a_repeated_start_begins_nothing_again() -> None:
    once = told(says("start"))
    assert told(says("start"), says("start")) == once


def test_a_start_after_the_stop_brings_nothing_back() -> None:
    ended = told(says("start"), says("stop", minute=8, counted=150))
    assert told(says("start"), says("stop", minute=8, counted=150), says("start")) == ended


def test_a_late_interim_neither_lowers_counters_nor_brings_the_session_back() -> None:
    ended = told(says("start"), says("stop", minute=8, counted=150))
    late = told(
        says("start"), says("stop", minute=8, counted=150), says("interim", minute=5, counted=100)
    )
    assert late == ended


def test_a_session_whose_start_was_lost_began_when_its_time_says() -> None:
    stay, changes = told(says("interim", minute=10, counted=5))
    assert changes == ["started"]
    assert stay.started_at == NOON


def test_a_session_of_which_only_the_stop_came_began_and_ended() -> None:
    stay, changes = told(says("stop", minute=10, counted=5))
    assert changes == ["started", "ended"]
    assert stay.stopped_at == NOON + 10 * MINUTE


def test_a_session_closed_for_its_silence_goes_on_when_it_is_heard_again() -> None:
    begun, _ = told(says("start"))
    silent = replace(begun, stopped_at=NOON + 20 * MINUTE, cause=SILENT)
    stay, changes = after(silent, says("interim", minute=25, counted=9))
    assert changes == ("started",)
    assert (stay.stopped_at, stay.bytes_in) == (None, 9)
    assert after(silent, says("start")) == (silent, ())
    counted, changes = after(silent, says("stop", minute=25, counted=9))
    assert (changes, counted.bytes_in, counted.stopped_at) == ((), 9, silent.stopped_at)


@given(st.lists(st.integers(min_value=0, max_value=2 * GIB - 1), max_size=12))
def test_counters_of_32_bits_are_added_up_over_their_wraps(used: list[int]) -> None:
    reports = [
        says("interim", minute=minute, counted=sum(used[:minute]) % 2**32)
        for minute in range(len(used) + 1)
    ]
    stay, _ = told(*reports)
    assert stay.bytes_in == stay.bytes_out == sum(used)


def test_a_counter_that_begins_anew_is_not_taken_for_a_wrap() -> None:
    stay, _ = told(says("interim", minute=5, counted=GIB), says("interim", minute=10, counted=5))
    assert stay.bytes_in == GIB


@pytest.mark.parametrize(
    ("report", "another"),
    [
        (replace(says("start"), at=NOON + timedelta(hours=23)), False),
        (replace(says("start"), at=NOON + timedelta(days=2)), True),
        (replace(says("interim", minute=5), at=NOON + timedelta(days=2)), False),
    ],
)
def test_only_a_start_long_after_the_end_begins_another_session(
    report: Report, another: bool
) -> None:
    ended, _ = told(says("start"), says("stop", minute=8))
    assert is_another(ended, report) is another
    begun, _ = told(says("start"))
    assert not is_another(begun, report)


@given(st.permutations(["start", "interim5", "interim10", "stop12", "stop12", "start"]))
def test_in_whatever_order_reports_come_the_session_ends_once_with_all_it_counted(
    order: list[str],
) -> None:
    reports = {
        "start": says("start"),
        "interim5": says("interim", minute=5, counted=50),
        "interim10": says("interim", minute=10, counted=100),
        "stop12": says("stop", minute=12, counted=120),
    }
    stay, changes = told(*(reports[name] for name in order))
    assert changes == ["started", "ended"]
    assert (stay.bytes_in, stay.seconds, stay.started_at) == (120, 720, NOON)
    assert stay.stopped_at == NOON + 12 * MINUTE
