"""Commands beside those that every menu has: fetching, files, certificates, the export."""

import base64
import os
from collections.abc import Callable
from typing import Final

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from simulators.routeros.device import Arguments, Device, Row, Special
from simulators.routeros.refusals import Refused, failure, no_such_item

FETCH_SECONDS: Final = 10
HIDDEN: Final = ("password", "secret", "private-key", "public-key-owner")
_RUNTIME: Final = (".id", "dynamic", "invalid", "bytes", "packets", "hits", "running", "default")
_NOT_EXPORTED: Final = (
    "/interface",
    "/system/resource",
    "/system/package",
    "/system/device-mode",
    "/ip/route",
    "/file",
    "/log",
    "/user",
    "/user/group",
)

Post = Callable[[str, str, str], tuple[int, bytes]]


def specials(fetch: Post | None = None) -> dict[tuple[str, str], Special]:
    """What a router can do; `fetch` stands in for the network in tests."""
    http = fetch or _http
    return {
        ("/tool", "fetch"): lambda device, told: _fetch(device, told, http),
        ("/certificate", "sign"): _sign,
        ("/file", "read"): _read_file,
        ("/", "export"): _export,
        ("/interface/wireguard", "add"): _add_wireguard,
    }


def _fetch(device: Device, told: Arguments, http: Post) -> list[Row]:
    method = told.get("http-method", "get").upper()
    status, body = http(method, told.get("url", ""), told.get("http-data", ""))
    if status >= 400:
        raise failure(f"status {status}")
    path = told.get("dst-path", "")
    if path:
        kept = [row for row in device.items.of("/file") if row.get("name") == path]
        for row in kept:
            device.items.remove("/file", row)
        contents = body.decode(errors="replace")
        device.items.add(
            "/file",
            {"name": path, "type": ".html file", "size": str(len(body)), "contents": contents},
        )
    return [{"status": "finished", "downloaded": str(len(body) // 1024)}]


def _http(method: str, url: str, data: str) -> tuple[int, bytes]:
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.request(
                method, url, data=data.encode() if data else None, timeout=FETCH_SECONDS
            )
        except requests.RequestException as error:
            raise failure("connection timeout") from error
    return answer.status_code, answer.content


def _sign(device: Device, told: Arguments) -> list[Row]:
    item = device.items.find("/certificate", told.get("numbers") or told.get("number", ""))
    if item.get("fingerprint"):
        raise failure("certificate already signed")
    device.items.set("/certificate", item, {"fingerprint": os.urandom(32).hex(), "trusted": "yes"})
    return []


def _read_file(device: Device, told: Arguments) -> list[Row]:
    """A piece of a file: `offset` and `chunk-size` count bytes (RouterOS 7.13 and later)."""
    name = told.get("file", "")
    row = next((one for one in device.items.of("/file") if one.get("name") == name), None)
    if row is None:
        raise no_such_item()
    contents = row.get("contents", "").encode()
    offset, size = int(told.get("offset", "0")), int(told.get("chunk-size", "32768"))
    return [{"data": contents[offset : offset + size].decode(errors="replace")}]


def _export(device: Device, told: Arguments) -> list[Row]:
    """The configuration as text, into a file: the API gets to see no other export."""
    name = told.get("file")
    if not name:
        return []
    shows = "show-sensitive" in told
    lines = [f"# 2026-01-15 12:00:00 by RouterOS {device.version.split()[0]}"]
    for menu in sorted(device.items.rows):
        rows = device.items.rows[menu] if menu not in _NOT_EXPORTED else []
        if rows:
            lines.append(menu.replace("/", " ").strip().join(("/", "")))
            lines += [_exported(row, shows=shows) for row in rows]
    text = "\n".join(lines) + "\n"
    path = f"{name}.rsc"
    for old in [row for row in device.items.of("/file") if row.get("name") == path]:
        device.items.remove("/file", old)
    device.items.add(
        "/file", {"name": path, "type": "script", "size": str(len(text)), "contents": text}
    )
    return []


def _exported(row: Row, *, shows: bool) -> str:
    verb = "add" if ".id" in row else "set"
    values = [
        f'{name}="{value}"' if " " in value else f"{name}={value}"
        for name, value in row.items()
        if value and name not in _RUNTIME and (shows or name not in HIDDEN)
    ]
    return " ".join([verb, *values])


def _add_wireguard(device: Device, told: Arguments) -> list[Row]:
    """The router makes its key pair itself."""
    if "private-key" in told:
        raise Refused("not on this router")
    key = X25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.Raw,
        serialization.PrivateFormat.Raw,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    keys = {
        "private-key": base64.b64encode(private).decode(),
        "public-key": base64.b64encode(public).decode(),
    }
    return [{"ret": device.items.add("/interface/wireguard", {**told, **keys})}]
