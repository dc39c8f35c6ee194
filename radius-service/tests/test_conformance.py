"""One list of cases, asked of our server and of FreeRADIUS on the same tables: the same answers."""

import re
import subprocess
from itertools import takewhile

import pytest

from radius_service.logins import WRONG

from .a_case import Case, Guest, MsChap2, Pap
from .cases import ACCEPTED, CASES, REFUSED
from .conformance import OLD_ROUTER, STRANGER, Both, ask, both, is_silent, packet_of, said
from .world import ACCEPT, REJECT, SECRET, Database, bytes_of, status_request

__all__ = ["both"]


def expected(radius: Database, case: Case) -> set[tuple[str, str]]:
    """What the reply to a case must have."""
    wanted = set(case.shows)
    if case.reason:
        words = WRONG if case.reason == "wrong" else radius.words(case.reason)
        wanted.add(("Reply-Message", words))
    return wanted


@pytest.mark.parametrize("case", [*ACCEPTED, *REFUSED], ids=lambda case: case.title)
def test_both_servers_answer_alike(both: Both, case: Case) -> None:
    guest = both.prepare(case)
    packet = packet_of(case, guest)
    replies = [ask(port, bytes_of(packet)) for port in both.auth_ports]
    ours, theirs = (said(packet, reply) for reply in replies)
    assert ours == theirs
    code, attributes = ours
    assert code == (ACCEPT if case.answer == "accept" else REJECT)
    assert expected(both.radius, case) <= set(attributes)
    if isinstance(case.proof, MsChap2):
        answers = {"MS-CHAP2-Success" if case.answer == "accept" else "MS-CHAP-Error"}
        assert answers <= {name for name, _ in attributes}


def test_both_are_silent_where_a_signature_is_missing_or_forged(both: Both) -> None:
    case = CASES[-1]
    guest = both.prepare(case)
    forged = packet_of(CASES[0], guest, secret=b"another")
    for port in both.auth_ports:
        assert is_silent(port, bytes_of(packet_of(case, guest)))
        assert is_silent(port, bytes_of(forged))


def test_both_take_an_unsigned_login_from_a_router_that_cannot_sign(both: Both) -> None:
    case = Case(title="unsigned", answer="accept", prepare=CASES[0].prepare, signed=False)
    packet = packet_of(case, both.prepare(CASES[0]), secret=b"of-the-old")
    replies = [asked_until_answered(port, bytes_of(packet), OLD_ROUTER) for port in both.auth_ports]
    ours, theirs = (said(packet, reply) for reply in replies)
    assert ours == theirs
    assert ours[0] == ACCEPT


def asked_until_answered(port: int, data: bytes, source: str) -> bytes | None:
    """The reply to a packet that is sent again: FreeRADIUS gets to know one router a second."""
    for _ in range(12):
        reply = ask(port, data, source=source, seconds=0.25)
        if reply is not None:
            return reply
    return None


def test_both_are_silent_to_a_stranger(both: Both) -> None:
    packet = packet_of(CASES[0], both.prepare(CASES[0]))
    for port in both.auth_ports:
        assert ask(port, bytes_of(packet), source=STRANGER, seconds=0.2) is None


@pytest.mark.parametrize("door", ["auth", "acct"])
def test_both_say_that_they_are_there(both: Both, door: str) -> None:
    for server in (both.ours.server, both.theirs):
        question = status_request()
        reply = ask(getattr(server, f"{door}_port"), bytes_of(question))
        assert reply
        assert question.VerifyReply(question.CreateReply(packet=reply), enforce_ma=True)


def lines(case: Case, guest: Guest) -> list[str]:
    """A case as radclient is told it."""
    pairs = [("User-Name", guest.fill(case.typed))] if case.typed is not None else []
    match case.proof:
        case Pap(password=password):
            pairs.append(("User-Password", guest.fill(password)))
        case None:
            pass
        case other:
            pairs += other.pairs(guest)
    pairs += [(name, guest.fill(value)) for name, value in case.more]
    return [f"{name} = {told(value)}" for name, value in pairs] + (
        ["Message-Authenticator = 0x00"] if case.signed else []
    )


def told(value: str) -> str:
    if value.startswith("0x"):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def radclient(port: int, requests: list[list[str]]) -> list[list[str]]:
    """What radclient shows of each reply, sorted: the code and the attributes."""
    command = ["radclient", "-x", "-p", "1", "-r", "1", "-t", "2"]
    done = subprocess.run(
        [*command, f"127.0.0.1:{port}", "auth", SECRET.decode()],
        input="\n\n".join("\n".join(request) for request in requests),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return [shown_of(part) for part in re.split("^Received ", done.stdout, flags=re.M)[1:]]


def shown_of(received: str) -> list[str]:
    first, *rest = received.splitlines()
    attributes = [
        re.sub(r"C=[0-9a-f]{32}", "C=", line.strip())
        for line in takewhile(lambda line: line.startswith("\t"), rest)
        if "Message-Authenticator" not in line
    ]
    return sorted([first.split()[0], *attributes])


# radclient leaves out a password of no length.
BY_RADCLIENT = [case for case in (*ACCEPTED, *REFUSED) if case.proof is None or case.proof.password]


def test_radclient_sees_no_difference_either(both: Both) -> None:
    requests = [lines(case, both.prepare(case)) for case in BY_RADCLIENT]
    ours, theirs = (radclient(port, requests) for port in both.auth_ports)
    assert len(ours) == len(theirs) == len(BY_RADCLIENT)
    for case, mine, other in zip(BY_RADCLIENT, ours, theirs, strict=True):
        assert mine == other, case.title
        assert f"Access-{case.answer.capitalize()}" in mine, case.title
