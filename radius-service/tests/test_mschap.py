"""MS-CHAPv2, by the test vectors of its RFCs."""

from dataclasses import replace

import pytest

from radius_service.mschap import MsChap2, md4, nt_hash

# RFC 2759 section 9.2.
USER = MsChap2(
    identifier=b"\x07",
    challenge=bytes.fromhex("5B5D7C7D7B3F2F3E3C2C602132262628"),
    peer_challenge=bytes.fromhex("21402324255E262A28295F2B3A337C7E"),
    response=bytes.fromhex("82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF"),
    name=b"User",
)
PASSWORD = "clientPass"


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        ("abc", "a448017aaf21d8525fc10ae87aa6729d"),
        ("message digest", "d9130a8164549fe818874806e1c7014b"),
        ("1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_md4_is_that_of_rfc_1320(message: str, digest: str) -> None:
    assert md4(message.encode()).hex() == digest


def test_the_hash_of_a_password_is_that_of_rfc_2759() -> None:
    assert nt_hash(PASSWORD).hex() == "44ebba8d5312b8d611474411f56989ae"


def test_the_right_password_fits_and_no_other() -> None:
    assert USER.fits(PASSWORD)
    assert not USER.fits("clientpass")
    assert not replace(USER, name=b"user").fits(PASSWORD)


def test_a_windows_domain_is_no_part_of_the_name() -> None:
    assert replace(USER, name=b"SITE\\User").fits(PASSWORD)


def test_the_answer_proves_that_we_know_the_password_too() -> None:
    assert USER.success(PASSWORD) == b"\x07S=407A5589115FD0D6209F510FE9C04566932CDA56"


def test_a_refusal_names_the_error_and_offers_no_retry() -> None:
    assert USER.failure().startswith(b"\x07E=691 R=0 C=")
