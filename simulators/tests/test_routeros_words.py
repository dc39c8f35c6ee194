"""RouterOS on the wire and in its menus: byte by byte, word by word."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulators.routeros.api import Conversation
from simulators.routeros.device import Device
from simulators.routeros.factory import from_factory
from simulators.routeros.queries import matches
from simulators.routeros.refusals import Refused
from simulators.routeros.specials import specials
from simulators.routeros.terminal import Terminal
from simulators.routeros.wire import BadWire, encode, encode_length, read_length, read_sentence

VECTORS = json.loads((Path(__file__).parent / "routeros_api_vectors.json").read_text())
LENGTHS = [*VECTORS["length_vectors_public"], *VECTORS["length_vectors_boundaries"]]


def reader(raw: bytes) -> Any:
    """Reads from bytes as from a socket."""
    position = 0

    def read(length: int) -> bytes:
        nonlocal position
        position += length
        if position > len(raw):
            raise EOFError
        return raw[position - length : position]

    return read


@pytest.fixture
def device() -> Device:
    device = from_factory("hap", version="7.18 (stable)", admin_password="pw")
    device.specials = specials(lambda *_: (200, b"<html>"))
    return device


def talk(device: Device) -> Conversation:
    return Conversation(
        device=device,
        allows=lambda *_: True,
        password_of=lambda name: "pw" if name == "admin" else None,
    )


def said(device: Device, *words: str, conversation: Conversation | None = None) -> list[list[str]]:
    """What a router answers to one who is logged in."""
    heard: list[list[str]] = []
    conversation = conversation or talk(device)
    conversation.user = "admin"
    conversation.hear(words, lambda answer: heard.append(list(answer)))
    return heard


@pytest.mark.parametrize("vector", LENGTHS, ids=lambda vector: str(vector["length"]))
def test_lengths(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["hex"])
    assert encode_length(vector["length"]) == raw
    assert read_length(reader(raw)) == vector["length"]


@pytest.mark.parametrize("first", range(0xF8, 0x100))
def test_control_bytes_end_the_conversation(first: int) -> None:
    with pytest.raises(BadWire):
        read_length(reader(bytes([first])))


@pytest.mark.parametrize("length", [5 * 1024 * 1024, 0x1000_0000])
def test_a_word_that_is_too_long_is_not_waited_for(length: int) -> None:
    with pytest.raises(BadWire):
        read_sentence(reader(encode_length(length)))


@pytest.mark.parametrize("transcript", VECTORS["transcripts"], ids=lambda one: one["name"])
def test_every_sentence_of_the_transcripts(transcript: dict[str, Any]) -> None:
    for step in transcript["exchange"]:
        if "hex" in step:
            raw = bytes.fromhex(step["hex"])
            assert encode(step["words"]) == raw
            assert read_sentence(reader(raw)) == step["words"]


def test_login_both_ways(device: Device) -> None:
    heard: list[list[str]] = []

    def hear(conversation: Conversation, *words: str) -> list[str]:
        heard.clear()
        conversation.hear(words, lambda answer: heard.append(list(answer)))
        return heard[0]

    new = talk(device)
    assert hear(new, "/login", "=name=admin", "=password=bad") == [
        "!trap",
        "=message=invalid user name or password (6)",
    ]
    assert heard[1] == ["!done"]
    assert hear(new, "/system/resource/print") == ["!trap", "=message=not logged in"]
    assert hear(new, "/login", "=name=admin", "=password=pw") == ["!done"]
    old = talk(from_factory("hap", version="6.42.12"))
    token = hear(old, "/login", "=name=admin", "=password=pw")[1].removeprefix("=ret=")
    import hashlib

    digest = hashlib.md5(b"\x00pw" + bytes.fromhex(token), usedforsecurity=False).hexdigest()
    assert hear(old, "/login", "=name=admin", f"=response=00{digest}") == ["!done"]
    assert old.user == "admin"


@pytest.mark.parametrize(
    ("queries", "passes"),
    [
        (["?name"], True),
        (["?-name"], False),
        (["?name=ether1"], True),
        (["?=name=ether1"], True),
        (["?name=ether2"], False),
        (["?disabled=false"], True),
        (["?<mtu=2000", "?>mtu=1000"], True),
        (["?name=x", "?name=ether1", "?#|"], True),
        (["?name=x", "?name=ether1", "?#&"], False),
        (["?name=x", "?#!"], True),
        (["?name=ether1", "?name=x"], False),
        (["?name=ether1", "?name=x", "?#0."], True),
    ],
)
def test_queries_are_a_stack(queries: list[str], passes: bool) -> None:
    row = {"name": "ether1", "mtu": "1500", "disabled": "no"}
    assert matches(row, queries) is passes


def test_tags_come_back_and_empty_is_said(device: Device) -> None:
    assert said(device, "/ip/hotspot/print", ".tag=7") == [
        ["!empty", ".tag=7"],
        ["!done", ".tag=7"],
    ]
    older = from_factory("hap", version="7.16")
    assert said(older, "/ip/hotspot/print") == [["!done"]]


def test_adding_answers_an_id_and_lists_show_what_was_asked_for(device: Device) -> None:
    (done,) = said(device, "/ip/pool/add", "=name=p", "=ranges=10.0.0.2-10.0.0.9")
    assert done[0] == "!done"
    assert done[1].startswith("=ret=*")
    rows = said(device, "/ip/pool/print", "=.proplist=name", "?name=p")
    assert rows == [["!re", "=name=p"], ["!done"]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["/ip/nonsense/print"], "no such command prefix"),
        (["/ip/hotspot/dance"], "no such command"),
        (["/ip/hotspot/add", "=comment=x"], "unknown parameter comment"),
        (["/ip/address/add", "=address=192.168.88.1/24", "=interface=bridge"],
         "failure: already have such address"),
        (["/ip/address/add", "=address=10.0.0.1/24", "=interface=nowhere"],
         "input does not match any value of interface"),
        (["/ip/address/add", "=address=10.0.0.300/24", "=interface=bridge"],
         "invalid value for argument address"),
        (["/ip/pool/remove", "=.id=*99"], "no such item"),
        (["/ip/pool/add", "=name=default-dhcp", "=ranges=10.0.0.2"],
         "failure: pool with such name exists"),
        (["/ip/pool/remove", "=.id=default-dhcp"], "failure: in use by dhcp-server"),
        (["/interface/bridge/port/add", "=interface=ether2", "=bridge=bridge"],
         "failure: device already added as bridge port"),
        (["/ip/hotspot/profile/add", "=name=p", "=login-by=http-pap,magic"],
         "invalid value for argument login-by"),
        (["/ip/hotspot/profile/remove", "=.id=default"],
         "failure: can not remove default object"),
        (["/interface/set", "=.id=*1", "=name=x"], "no such command"),
    ],
)  # fmt: skip
def test_a_router_says_no_in_its_own_words(device: Device, words: list[str], message: str) -> None:
    trap, done = said(device, *words)
    assert trap[0] == "!trap"
    assert trap[-1] == f"=message={message}"
    assert done == ["!done"]


def test_order_is_kept_and_changed(device: Device) -> None:
    made_by_itself, first, *_ = [
        row[1].removeprefix("=.id=")
        for row in said(device, "/ip/firewall/filter/print", "=.proplist=.id")[:-1]
    ]
    (refused, _) = said(
        device, "/ip/firewall/filter/add", "=chain=input", f"=place-before={made_by_itself}"
    )
    assert "dynamic" in refused[-1]
    said(
        device,
        "/ip/firewall/filter/add",
        "=chain=input",
        "=comment=mine",
        f"=place-before={first}",
    )
    rows = device.read("/ip/firewall/filter")
    assert rows[1]["comment"] == "mine"
    said(
        device,
        "/ip/firewall/filter/move",
        f"=numbers={rows[1]['.id']}",
        f"=destination={rows[3]['.id']}",
    )
    assert [row.get("comment") for row in device.read("/ip/firewall/filter")][2] == "mine"


def test_what_a_version_or_a_package_does_not_have() -> None:
    old = from_factory("hap", version="7.14.3")
    with pytest.raises(Refused, match="unknown parameter require-message-auth"):
        old.run("/radius", "set", {"numbers": "*1", "require-message-auth": "no"})
    six = from_factory("hap", version="6.49.10")
    with pytest.raises(Refused, match="no such command prefix"):
        six.run("/interface/wireguard", "print", {})
    small = from_factory("hap", version="7.20")
    small.has_hotspot = False
    with pytest.raises(Refused, match="no such command prefix"):
        small.run("/ip/hotspot", "print", {})
    forbidden = from_factory("hap", version="7.20")
    forbidden.allows_hotspot = False
    with pytest.raises(Refused, match="device-mode"):
        forbidden.run("/ip/hotspot", "add", {"name": "h", "interface": "bridge"})


def printed(device: Device, script: str) -> list[str]:
    return Terminal(device).paste(script)


def test_a_terminal_does_what_a_script_says(device: Device) -> None:
    script = """
# a comment
:if ([:len [/ip pool find name="p"]] = 0) do={ /ip pool add name="p" ranges=10.0.0.2 } \
else={ /ip pool set [find name="p"] ranges=10.0.0.3 }
:put ("now " . [/ip pool get [find name="p"] ranges])
:do { /ip pool add name="p" ranges=10.0.0.9 } on-error={ :put "there is one" }
"""
    assert printed(device, script) == ["now 10.0.0.2", "there is one"]
    assert printed(device, script) == ["now 10.0.0.3", "there is one"]
    first = "[:pick [/ip firewall filter find chain=input dynamic=no] 0]"
    assert printed(device, f"/ip firewall filter add chain=input place-before={first}") == []
    assert "action" not in device.read("/ip/firewall/filter")[1]


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("/ip nonsense add name=x", "bad command name"),
        ('/ip pool add name="p', "unterminated string"),
        ('/ip pool add name="$p" ranges=10.0.0.1', "unescaped $"),
        ('/ip pool add name="what?" ranges=10.0.0.1', "unescaped ?"),
        (':do { /ip nonsense add } on-error={ :put "caught" }', "bad command name"),
        (":if ([:len [/ip pool find]] = 1) do={ :put x", "expected closing brace"),
        ("/ip pool add nome=x", "unknown parameter nome"),
    ],
)
def test_a_line_that_cannot_be_read_does_nothing_and_costs_no_other(
    device: Device, line: str, refusal: str
) -> None:
    first, last = (
        printed(device, f'{line}\n:put "after"')
        if "{ :put x" not in line
        else (
            printed(device, line)[0],
            "after",
        )
    )
    assert first.startswith(refusal)
    assert last == "after"


def test_files_are_fetched_read_and_exported(device: Device) -> None:
    device.run("/tool", "fetch", {"url": "http://c/login.html", "dst-path": "d/login.html"})
    assert device.run("/file", "read", {"file": "d/login.html", "chunk-size": "3"}) == [
        {"data": "<ht"}
    ]
    device.items.add("/radius", {"address": "10.0.0.1", "secret": "do-not-tell"})
    device.run("/", "export", {"file": "all"})
    (exported,) = [row for row in device.read("/file") if row["name"] == "all.rsc"]
    assert "/ip pool\nadd name=default-dhcp" in exported["contents"]
    assert "do-not-tell" not in exported["contents"]


@pytest.fixture(autouse=True)
def _nothing_is_shared(device: Device) -> Iterator[None]:
    before = len(device.read("/ip/pool"))
    yield
    assert len(from_factory("hap", version="7.18").read("/ip/pool")) == before
