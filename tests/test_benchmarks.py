"""The benchmarks run."""

import pytest

from benchmarks import access, jobs, radius, routers, streams


def test_the_jobs_benchmark_prints_a_row_for_each_shape(
    amqp_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert amqp_url, "the benchmark reads it from the environment"
    jobs.run(jobs=20, rounds=1)
    header, *rows = capsys.readouterr().out.splitlines()[-4:]
    assert header.split()[-1] == "ratio"
    assert [row.split()[-1] for row in rows[:1]] == ["1.00"]
    assert len(rows) == 3


def test_a_login_and_the_checks_cost_no_more_with_more_users(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert access.run(users=3_000)
    header, *rows = capsys.readouterr().out.splitlines()[-5:]
    assert "3,000 users" in header
    assert [row.split()[0] for row in rows] == ["login", "expiry", "subscription", "running"]


def test_radius_servers_are_measured_side_by_side(
    amqp_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert amqp_url, "the benchmark reads it from the environment"
    radius.run(rounds=1, seconds=0.1, most=320)
    header, *rows = capsys.readouterr().out.splitlines()[-4:]
    assert header.split()[-2:] == ["ratio", "lost"]
    assert [row.split(",")[0] for row in rows] == ["FreeRADIUS", "ours", "ours"]


def test_a_round_over_many_routers_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert routers.run(routers=10, rounds=1, patience=0.5) == 0
    header, row, memory = capsys.readouterr().out.splitlines()[-3:]
    assert "round over 10 routers" in header
    assert row.split()[3:] == ["8", "0"]
    assert "threads" in memory


def test_everyone_hears_every_event_and_who_takes_none_is_let_go(
    amqp_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert amqp_url, "the benchmark reads it from the environment"
    few = {"streams": 50, "few": 10, "slow": (1,), "missed": 20, "processes": 1}
    quick = {"events_a_second": 20, "seconds": 0.3, "patience": 0.5}
    assert streams.run(streams.Size(**few, **quick)) == 0  # type: ignore[arg-type]
    header, *rows = capsys.readouterr().out.splitlines()[-8:]
    assert "ratio" in header
    assert ["50/50" in row for row in rows] == [False, True, True, True, True, False, False]
    assert rows[-2].startswith("A stream needs")
