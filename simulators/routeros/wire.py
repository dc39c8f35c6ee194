"""The API's wire format: words with a length in front, sentences ended by an empty word."""

from collections.abc import Callable, Iterable
from typing import Final

# A peer that names a longer word is broken or hostile: no menu has one.
LONGEST_WORD: Final = 4 * 1024 * 1024
MOST_WORDS: Final = 10_000


class BadWire(Exception):
    """What came is no sentence: the connection cannot go on."""


def encode_length(length: int) -> bytes:
    """A word's length, in one to five bytes."""
    if length < 0x80:
        return length.to_bytes(1, "big")
    if length < 0x4000:
        return (length | 0x8000).to_bytes(2, "big")
    if length < 0x20_0000:
        return (length | 0xC0_0000).to_bytes(3, "big")
    if length < 0x1000_0000:
        return (length | 0xE000_0000).to_bytes(4, "big")
    return b"\xf0" + length.to_bytes(4, "big")


def encode(words: Iterable[str]) -> bytes:
    """A sentence."""
    parts = []
    for word in words:
        raw = word.encode(errors="surrogateescape")
        parts += [encode_length(len(raw)), raw]
    return b"".join((*parts, b"\x00"))


def read_length(read: Callable[[int], bytes]) -> int:
    """The next word's length. Raises BadWire for a reserved control byte."""
    first = read(1)[0]
    if first < 0x80:
        return first
    if first < 0xC0:
        return int.from_bytes(bytes([first & 0x3F]) + read(1), "big")
    if first < 0xE0:
        return int.from_bytes(bytes([first & 0x1F]) + read(2), "big")
    if first < 0xF0:
        return int.from_bytes(bytes([first & 0x0F]) + read(3), "big")
    if first == 0xF0:
        return int.from_bytes(read(4), "big")
    raise BadWire(f"control byte {first:#x}")


def read_sentence(read: Callable[[int], bytes]) -> list[str]:
    """The words up to the empty one; none for an empty sentence. Raises BadWire, EOFError."""
    words: list[str] = []
    while length := read_length(read):
        if length > LONGEST_WORD or len(words) >= MOST_WORDS:
            raise BadWire("a word or a sentence is too long")
        words.append(read(length).decode(errors="surrogateescape"))
    return words
