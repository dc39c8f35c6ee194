"""The newest events as they go to listeners: kept once, however many there are."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

# Of one write: a reader that takes nothing for a while must not have asked for megabytes.
PIECE = 100


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event as it goes to every listener: made once."""

    seq: int
    message_id: UUID
    frame: bytes


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Events one after the other, as one write. `seq`: of the last of them."""

    seq: int
    frames: bytes


class Passed(Exception):
    """What was asked for is older than all that is kept here."""


class Recent:
    """The newest events after `floor`, in order. `room`: how many are kept at least."""

    def __init__(self, floor: int, room: int) -> None:
        self._floor = floor
        self._room = room
        self._told: list[Told] = []
        self._seqs: list[int] = []
        self._by_id: dict[UUID, int] = {}
        # Most listeners have heard the same, and want the same.
        self._pieces: dict[int, Piece] = {}

    @property
    def newest(self) -> int:
        """The number of the newest event that was told."""
        return self._seqs[-1] if self._seqs else self._floor

    @property
    def floor(self) -> int:
        """All that came after this number is here."""
        return self._floor

    def add(self, portion: Sequence[Told]) -> None:
        """What comes next; what is old by now is forgotten, many at a time."""
        self._told += portion
        self._seqs += [one.seq for one in portion]
        self._by_id |= {one.message_id: one.seq for one in portion}
        self._pieces = {}
        if len(self._told) >= 2 * self._room:
            old = len(self._told) - self._room
            self._floor = self._seqs[old - 1]
            for one in self._told[:old]:
                del self._by_id[one.message_id]
            self._told, self._seqs = self._told[old:], self._seqs[old:]

    def seq_of(self, message_id: UUID) -> int | None:
        """The number of an event that is here."""
        return self._by_id.get(message_id)

    def after(self, seq: int) -> Piece | None:
        """What comes next after a number; None where nothing does yet. Raises Passed."""
        known = self._pieces.get(seq)
        if known is not None:
            return known
        if seq < self._floor:
            raise Passed
        first = bisect_right(self._seqs, seq)
        found = self._told[first : first + PIECE]
        if not found:
            return None
        piece = self._pieces[seq] = joined(found)
        return piece


def joined(told: Sequence[Told]) -> Piece:
    """Some events as one piece."""
    return Piece(seq=told[-1].seq, frames=b"".join(one.frame for one in told))
