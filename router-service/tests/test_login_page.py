"""The pages of a router's hotspot: what its servlet needs, and where guests are sent."""

from uuid import UUID

from flask.testing import FlaskClient

from hotspot.testing.identity import Keys
from router_service.login_page import pages_of_router, wanted_pages

from .test_registration import register

ROUTER = UUID(int=7)


def test_the_login_page_sends_the_guest_to_the_portal(client: FlaskClient, keys: Keys) -> None:
    registered = register(client, keys).get_json()
    token = registered["config_token"]

    page = client.get(f"/connect/{token}/login.html")

    assert page.status_code == 200
    assert "https://portal.example.net/?mac=$(mac-esc)" in page.text
    assert f"router={registered['id']}" in page.text
    assert client.get(f"/connect/{token}/secrets.html").status_code == 404
    assert client.get("/connect/nobody/login.html").status_code == 404


def test_every_page_that_the_servlet_falls_back_to_is_there() -> None:
    pages = pages_of_router("https://portal.example.net", ROUTER)

    # Where a folder is given, MikroTik's servlet answers an Error 404 for what is missing in it.
    needed = ("login", "redirect", "status", "logout", "error")
    assert set(pages) == {f"{name}.html" for name in needed}
    for text in pages.values():
        assert text.count("$(if ") == text.count("$(endif)")


def test_changed_pages_are_other_files() -> None:
    def folder(portal: str, disk: str = "") -> str:
        pages = wanted_pages(portal, ROUTER, base_url="https://c/connect/t", disk=disk)
        assert len({page.folder for page in pages}) == 1
        return pages[0].folder

    assert folder("https://one.example.net") != folder("https://two.example.net")
    assert folder("https://one.example.net", "flash/").startswith("flash/hotspot-page-")
