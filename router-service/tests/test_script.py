"""The connectivity script as text: whole lines, quoted values, guarded novelties."""

import re
from dataclasses import replace

from router_service.config import Controller
from router_service.script import Paste, quoted, script

PASTE = Paste(
    name='Mama "Shiro" $hop?',
    username="hotspot",
    password='p"a$s\\s?',
    api_port=8728,
    api_tls=False,
    radius_secret="radius-secret",
    connect_url="https://connect.example.net/connect/token",
    tunnel_address="10.99.0.2",
)


def test_what_people_typed_cannot_become_a_command(controller: Controller) -> None:
    assert quoted('a"b\\c$d?') == '"a\\"b\\\\c\\$d\\?"'
    text = script(PASTE, controller)

    assert 'password="p\\"a\\$s\\\\s\\?"' in text
    assert 'Mama \\"Shiro\\" \\$hop\\?' in text


def test_every_line_stands_for_itself(controller: Controller) -> None:
    for line in script(PASTE, controller).splitlines():
        bare = re.sub(r'"(\\.|[^"\\])*"', '""', line)
        if bare.startswith("#"):
            continue
        for opening, closing in ("{}", "[]", "()"):
            assert bare.count(opening) == bare.count(closing), line


def test_what_only_newer_versions_know_is_guarded(controller: Controller) -> None:
    for line in script(PASTE, controller).splitlines():
        if "wireguard" in line or "require-message-auth" in line or "certificate" in line:
            assert line.startswith(":do {")
            assert "on-error={" in line


def test_only_the_controller_is_let_in(controller: Controller) -> None:
    text = script(PASTE, controller)

    assert 'address="198.51.100.7,10.99.0.1/32"' in text
    assert text.count("src-address=198.51.100.7 ") == text.count("src-address=10.99.0.1/32 ")
    assert "/radius incoming set accept=yes port=3799" in text
    assert "policy=api,read,write,test,ftp" in text


def test_radius_goes_through_the_tunnel_where_there_is_one(controller: Controller) -> None:
    (line,) = [one for one in script(PASTE, controller).splitlines() if "/radius add" in one]
    direct, tunnelled = line.split(" else={ :if ")

    assert "address=198.51.100.7 " in direct
    assert "address=10.99.0.1 " in tunnelled
    assert "src-address=10.99.0.2" in tunnelled
    assert "src-address" not in direct


def test_without_tunnels_there_is_no_word_of_them(controller: Controller) -> None:
    text = script(replace(PASTE, tunnel_address=None), replace(controller, wireguard=None))

    assert "wireguard" not in text
    assert '"key=" . "&version="' in text


def test_tls_has_a_certificate_of_the_routers_own(controller: Controller) -> None:
    text = script(replace(PASTE, api_tls=True, api_port=8729), controller)

    assert "/certificate sign" in text
    assert "/ip service set api-ssl" in text
    assert "/ip service set api " not in text
