"""MS-CHAPv2 (RFC 2759), as RADIUS carries it (RFC 2548), without keys: hotspots need none.

Its MD4 and single DES are long broken, and no library offers MD4 any more; who can, uses PAP or
CHAP over a signed link.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from radius_service.packets import Request

# RFC 2759 section 8.7.
_SIGNING = b"Magic server to client signing constant"
_PADDING = b"Pad to make it do more than one iteration"

_FAILURE = b"E=691 R=0 C=" + bytes(16).hex().encode() + b" V=3 M=Authentication rejected"

_WORD = 0xFFFFFFFF


@dataclass(frozen=True, kw_only=True)
class MsChap2:
    """An MS-CHAP2-Response: `identifier` comes back in the answer; `name` as the guest typed it."""

    identifier: bytes
    challenge: bytes
    peer_challenge: bytes
    response: bytes = field(repr=False)
    name: bytes

    def fits(self, password: str) -> bool:
        """Whether it proves that the guest knows the password (GenerateNTResponse)."""
        expected = respond(
            password,
            challenge=self.challenge,
            peer_challenge=self.peer_challenge,
            name=self.name,
        )
        return hmac.compare_digest(self.response, expected)

    def success(self, password: str) -> bytes:
        """The value of MS-CHAP2-Success: that we know it too (GenerateAuthenticatorResponse)."""
        hash_of_hash = md4(nt_hash(password))
        digest = _sha1(hash_of_hash + self.response + _SIGNING)
        hashed = _challenge_hash(self.peer_challenge, self.challenge, self.name)
        proof = _sha1(digest + hashed + _PADDING)
        return self.identifier + b"S=" + proof.hex().upper().encode()

    def failure(self) -> bytes:
        """The value of MS-CHAP-Error: authentication failed, no retry (RFC 2759 section 6).

        The challenge is for a retry, which is not offered: it says nothing.
        """
        return self.identifier + _FAILURE


def ms_chap_of(request: Request) -> MsChap2 | None:
    """The MS-CHAPv2 credentials of an Access-Request; None without them, or of a wrong length."""
    response = request.octets("MS-CHAP2-Response")
    challenge = request.octets("MS-CHAP-Challenge")
    if response is None or challenge is None or (len(response), len(challenge)) != (50, 16):
        return None
    return MsChap2(
        identifier=response[:1],
        challenge=challenge,
        peer_challenge=response[2:18],
        response=response[26:],
        name=request.octets("User-Name") or b"",
    )


def respond(password: str, *, challenge: bytes, peer_challenge: bytes, name: bytes) -> bytes:
    """GenerateNTResponse (RFC 2759 section 8.1): what a guest's device computes."""
    hashed = _challenge_hash(peer_challenge, challenge, name)
    keys = nt_hash(password) + bytes(5)
    return b"".join(_des(hashed, keys[at : at + 7]) for at in (0, 7, 14))


def nt_hash(password: str) -> bytes:
    """NtPasswordHash (RFC 2759 section 8.3)."""
    return md4(password.encode("utf-16-le"))


def md4(message: bytes) -> bytes:
    """MD4 (RFC 1320)."""
    bits = len(message) * 8 % 2**64
    message += b"\x80" + bytes(-(len(message) + 9) % 64) + bits.to_bytes(8, "little")
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    for at in range(0, len(message), 64):
        before = tuple(state)
        words = struct.unpack("<16I", message[at : at + 64])
        for add, turns, order in _ROUNDS:
            for place, word in enumerate(order):
                a, b, c, d = state
                if add == 0:
                    mixed = (b & c) | (~b & d)
                elif add == _SECOND:
                    mixed = (b & c) | (b & d) | (c & d)
                else:
                    mixed = b ^ c ^ d
                turned = _turned((a + mixed + words[word] + add) & _WORD, turns[place % 4])
                state = [d, turned, b, c]
        state = [(new + old) & _WORD for new, old in zip(state, before, strict=True)]
    return struct.pack("<4I", *state)


# Each round of MD4: what it adds, how far it turns, and in which order it takes the words.
_SECOND = 0x5A827999
_ROUNDS = (
    (0, (3, 7, 11, 19), tuple(range(16))),
    (_SECOND, (3, 5, 9, 13), tuple(at % 4 * 4 + at // 4 for at in range(16))),
    (0x6ED9EBA1, (3, 9, 11, 15), (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15)),
)


def _turned(word: int, by: int) -> int:
    return (word << by | word >> (32 - by)) & _WORD


def _challenge_hash(peer_challenge: bytes, challenge: bytes, name: bytes) -> bytes:
    """ChallengeHash (RFC 2759 section 8.2): over the name without its Windows domain."""
    _, domain, bare = name.partition(b"\\")
    return _sha1(peer_challenge + challenge + (bare if domain else name))[:8]


def _des(block: bytes, key: bytes) -> bytes:
    """One block of DES; its parity bits are not looked at."""
    bits = int.from_bytes(key)
    spread = bytes((bits >> (49 - 7 * at) & 0x7F) << 1 for at in range(8))
    # DES three times with one key is DES once.
    return Cipher(TripleDES(spread * 3), modes.ECB()).encryptor().update(block)  # noqa: S305


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()
