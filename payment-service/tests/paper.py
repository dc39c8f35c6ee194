"""What is drawn in a PDF document."""

import re
import zlib


def drawn(document: bytes) -> bytes:
    """What is drawn on all pages, in its order."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", document, re.DOTALL)
    return b"".join(zlib.decompress(one) for one in streams if one.startswith(b"\x78"))


def words_of(document: bytes) -> list[str]:
    """The lines of text of all pages."""
    return [line.decode("latin-1") for line in re.findall(rb"\((.*?)\) Tj", drawn(document))]
