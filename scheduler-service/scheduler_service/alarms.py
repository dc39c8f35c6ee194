"""When a figure is worth a person's eyes: the thresholds, and what is raised and cleared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from scheduler_service.figures import Figures


@dataclass(frozen=True)
class Rule:
    """One row. The `*` in the figure's name stands for the subject.

    `checks`: so many in a row, a minute each, must find it before people are told.
    """

    alarm: str
    figure: str
    above: float | None = None
    below: float | None = None
    checks: int = 1
    said: str = ""

    def subject_of(self, figure: str) -> str | None:
        """What a figure is about; None where this rule does not look at it."""
        head, star, tail = self.figure.partition("*")
        if not star:
            return figure.partition(".")[0] if figure == self.figure else None
        fits = figure.startswith(head) and figure.endswith(tail)
        return figure[len(head) : len(figure) - len(tail)] if fits else None

    def is_broken_by(self, value: float) -> bool:
        """Whether a figure is beyond the threshold."""
        return (self.above is not None and value > self.above) or (
            self.below is not None and value < self.below
        )


MANAGEMENT_SILENT: Final = "rabbitmq.management_silent"

RULES: Final = (
    Rule(
        "queue_without_consumers",
        "queue.*.consumers",
        below=1,
        checks=2,
        said="Nobody takes from the queue {subject}: is its worker down?",
    ),
    Rule(
        "queue_waits",
        "queue.*.age_seconds",
        above=60,
        said="A message has waited in the queue {subject} for {value:.0f} s.",
    ),
    Rule(
        "disk_full",
        "host.disk_percent",
        above=90,
        checks=2,
        said="The disk is {value:.0f}% full.",
    ),
    Rule(
        "memory_full",
        "host.memory_percent",
        above=95,
        checks=5,
        said="The machine's memory is {value:.0f}% in use.",
    ),
    Rule(
        "outbox_stuck",
        "service.*.outbox_age_seconds",
        above=60,
        checks=2,
        said="{subject}-service could not send a message for {value:.0f} s.",
    ),
    Rule(
        "failed_jobs_growing",
        "service.*.failed_jobs_grown",
        above=5,
        said="{value:.0f} jobs of {subject}-service failed within 15 minutes.",
    ),
    Rule(
        "spool_filling",
        "service.*.spool_percent",
        above=50,
        said="The disk spool of {subject}-service is {value:.0f}% full.",
    ),
    Rule(
        "service_silent",
        "service.*.silent_seconds",
        above=300,
        said="{subject}-service has measured nothing for {value:.0f} s.",
    ),
    Rule(
        "queues_unmeasured",
        MANAGEMENT_SILENT,
        above=0,
        checks=3,
        said="RabbitMQ's management API does not answer: nobody watches the queues.",
    ),
)
# How far back `failed_jobs_grown` looks.
GROWTH_MINUTES: Final = 15


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A threshold that is passed: `checks` in a row found it; people know since `raised_at`."""

    alarm: str
    subject: str
    checks: int
    said: str
    raised_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What holds now, and what of it is news."""

    found: Sequence[Finding]
    raised: Sequence[Finding]
    cleared: Sequence[Finding]


def judge(figures: Figures, known: Sequence[Finding], now: datetime) -> Judgement:
    """Compare figures with the thresholds, and with what was found a minute ago.

    While the queues cannot be measured, what is known of them stays as it is.
    """
    before = {(one.alarm, one.subject): one for one in known}
    found = {(one.alarm, one.subject): one for one in _found(figures, before)}
    if figures.get(MANAGEMENT_SILENT):
        found |= {key: one for key, one in before.items() if _is_about_queues(one)}
    due = {
        key: replace(one, raised_at=now)
        for key, one in found.items()
        if one.raised_at is None and one.checks >= _rules()[one.alarm].checks
    }
    return Judgement(
        found=list((found | due).values()),
        raised=list(due.values()),
        cleared=[one for key, one in before.items() if key not in found and one.raised_at],
    )


def _found(figures: Figures, before: Mapping[tuple[str, str], Finding]) -> Iterator[Finding]:
    for rule in RULES:
        for name, value in figures.items():
            subject = rule.subject_of(name)
            if subject is None or not rule.is_broken_by(value):
                continue
            last = before.get((rule.alarm, subject))
            yield Finding(
                alarm=rule.alarm,
                subject=subject,
                checks=(last.checks if last else 0) + 1,
                said=rule.said.format(subject=subject, value=value),
                raised_at=last.raised_at if last else None,
            )


def _is_about_queues(finding: Finding) -> bool:
    rule = _rules().get(finding.alarm)
    return rule is not None and rule.figure.startswith("queue.")


def _rules() -> Mapping[str, Rule]:
    return {rule.alarm: rule for rule in RULES}
