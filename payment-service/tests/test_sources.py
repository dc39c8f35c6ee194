"""Where a callback came from, and whether that alone is proof."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.addresses import networks_of
from hotspot.contract.payments import RecordStkCallbackJob
from hotspot.ids import new_id
from hotspot.testing.handling import FakePublisher
from hotspot.vault import Vault
from payment_service.callbacks.sources import KNOWN_SOURCES, Trust, Verify, source_of
from payment_service.config import Config
from payment_service.mpesa.callback_urls import callback_url
from payment_service.web import create_app

from .shop import SAFARICOM, STRANGER, success

PROXY = "10.0.0.7"


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "proxies", "source"),
    [
        (SAFARICOM, [], [], SAFARICOM),
        (STRANGER, [SAFARICOM], [], STRANGER),
        (STRANGER, [SAFARICOM], [PROXY], STRANGER),
        (PROXY, [SAFARICOM], [PROXY], SAFARICOM),
        (PROXY, [f"{SAFARICOM}, {STRANGER}"], [PROXY], STRANGER),
        (PROXY, [SAFARICOM, STRANGER], [PROXY], STRANGER),
        (PROXY, [f"{SAFARICOM}, 10.0.0.8"], ["10.0.0.0/8"], SAFARICOM),
        (PROXY, [f"{SAFARICOM}:443"], [PROXY], SAFARICOM),
        (PROXY, [f"::ffff:{SAFARICOM}"], [PROXY], SAFARICOM),
        (f"::ffff:{PROXY}", [f"[::ffff:{SAFARICOM}]:80"], [PROXY], SAFARICOM),
        (PROXY, [], [PROXY], PROXY),
        (PROXY, [f"{SAFARICOM}, nonsense"], [PROXY], ""),
        (PROXY, [f"{SAFARICOM},"], [PROXY], ""),
        ("", [SAFARICOM], [PROXY], ""),
    ],
)
def test_the_source_is_the_first_hop_that_no_trusted_proxy_vouches_for(
    peer: str, forwarded_for: list[str], proxies: list[str], source: str
) -> None:
    assert source_of(peer, forwarded_for, networks_of(proxies)) == source


@pytest.mark.parametrize(
    ("verify", "known", "unknown"),
    [("unknown_source", False, True), ("always", True, True), ("never", False, False)],
)
def test_when_m_pesa_is_asked_is_a_setting(verify: Verify, known: bool, unknown: bool) -> None:
    trust = Trust(verify=verify, sources=networks_of(KNOWN_SOURCES))
    assert trust.needs_proof(SAFARICOM) is known
    for address in (STRANGER, "", "nonsense", "127.0.0.1"):
        assert trust.needs_proof(address) is unknown


@pytest.mark.parametrize("proxies", [(), ("127.0.0.1",)])
def test_a_forged_header_changes_nothing_without_a_trusted_proxy(
    config: Config, engine: Engine, publisher: FakePublisher, vault: Vault, proxies: tuple[str, ...]
) -> None:
    behind = replace(config, trusted_proxies=networks_of(proxies))
    client: FlaskClient = create_app(behind, publisher=publisher, engine=engine).test_client()
    forged = {"X-Forwarded-For": SAFARICOM, "X-Real-Ip": SAFARICOM, "Forwarded": f"for={SAFARICOM}"}
    client.post(callback_url("", vault, new_id()), data=success(), headers=forged)
    (job,) = publisher.sent
    assert isinstance(job, RecordStkCallbackJob)
    assert job.source_address == (SAFARICOM if proxies else "127.0.0.1")
