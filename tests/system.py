"""The running system of these tests. The benchmarks start one of their own: `hotspot.testing`."""

from hotspot.testing.system import (
    ROOT,
    Purchase,
    System,
    paid_callback,
    started,
    wait_for,
)

__all__ = ["ROOT", "Purchase", "System", "paid_callback", "started", "wait_for"]
