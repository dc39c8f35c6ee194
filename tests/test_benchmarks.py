"""The benchmarks run."""

import pytest

from benchmarks import jobs


def test_the_jobs_benchmark_prints_a_row_for_each_shape(
    amqp_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert amqp_url, "the benchmark reads it from the environment"
    jobs.run(jobs=20, rounds=1)
    header, *rows = capsys.readouterr().out.splitlines()[-4:]
    assert header.split()[-1] == "ratio"
    assert [row.split()[-1] for row in rows[:1]] == ["1.00"]
    assert len(rows) == 3
