"""M-Pesa is told where to report payments that are made without a prompt."""

from dataclasses import replace

import pytest

from hotspot.vault import Vault
from payment_service.config import Config
from payment_service.mpesa.callback_urls import opens_door
from payment_service.registering import REFUSED_WORDS, CannotRegister, addresses_of, register

from .shop import samples
from .test_daraja import HANG_UP, Line, line  # noqa: F401  # a fixture

REGISTERED = (200, samples("c2b_register_response")[0]["body"])
KNOWN = (500, samples("c2b_register_response")[1]["body"])


def test_the_addresses_are_told_as_m_pesa_wants_them(line: Line, config: Config) -> None:  # noqa: F811
    line.safaricom.replies.append(REGISTERED)
    register(addresses_of(config), config, line.daraja.session)
    path, _, body = line.safaricom.asked[1]
    (request,) = samples("c2b_register_request")
    assert path == "/mpesa/c2b/v2/registerurl"
    assert set(body) == set(request["body"])
    assert (body["ShortCode"], body["ResponseType"]) == ("174379", "Completed")


def test_the_addresses_are_ours_and_no_word_in_them_is_refused(
    config: Config, vault: Vault
) -> None:
    told = addresses_of(config)
    for kind, address in (
        ("c2b_validation", told.validation),
        ("c2b_confirmation", told.confirmation),
    ):
        assert opens_door(vault, kind, address.rpartition("/")[2])
        assert not [word for word in REFUSED_WORDS if word in address]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (KNOWN, "registered for 174379 already"),
        (HANG_UP, "no reply from Daraja"),
        ((400, {"errorCode": "400.003.02", "errorMessage": "Bad Request"}), "Bad Request"),
        ((200, {"ResponseCode": "1", "ResponseDescription": "no"}), "no"),
    ],
)
def test_what_m_pesa_does_not_take_is_said(
    line: Line,  # noqa: F811
    config: Config,
    reply: tuple[int, object],
    said: str,
) -> None:
    line.safaricom.replies.append(reply)
    with pytest.raises(CannotRegister, match=said):
        register(addresses_of(config), config, line.daraja.session)


def test_an_address_that_m_pesa_would_refuse_is_named_before_it_does(
    line: Line,  # noqa: F811
    config: Config,
) -> None:
    named = replace(config, callback_base_url="https://My-MPesa.example.co.ke")
    with pytest.raises(CannotRegister, match="'mpesa'"):
        register(addresses_of(named), named, line.daraja.session)
    assert line.safaricom.asked == []
