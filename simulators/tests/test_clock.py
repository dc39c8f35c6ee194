"""Real time: what is due is done, what is cancelled is not."""

import threading

from simulators.clock import CANCELLED_KEPT, WallClock

PATIENCE = 5.0


def test_actions_are_done_when_they_are_due_and_not_in_the_order_of_asking() -> None:
    clock, sooner, later = WallClock(), threading.Event(), threading.Event()
    clock.after(0.1, later.set)
    clock.after(0.02, sooner.set)
    assert sooner.wait(PATIENCE)
    assert not later.is_set()
    assert later.wait(PATIENCE)


def test_a_cancelled_action_is_never_done() -> None:
    clock, cancelled, finished = WallClock(), threading.Event(), threading.Event()
    clock.after(0.02, cancelled.set).cancel()
    clock.after(0.06, finished.set)
    assert finished.wait(PATIENCE)
    assert not cancelled.is_set()


def test_cancelled_actions_do_not_pile_up() -> None:
    clock = WallClock()
    for _ in range(3 * CANCELLED_KEPT):
        clock.after(3600, lambda: None).cancel()
    assert clock.waiting <= CANCELLED_KEPT
