"""Sealing and tokens."""

import pytest
from cryptography.fernet import Fernet

from hotspot.ids import new_id
from hotspot.vault import CannotOpen, Vault

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_is_sealed_opens_again_and_looks_different_each_time() -> None:
    vault = Vault([OLD])
    assert vault.open(vault.seal("secret")) == "secret"
    assert vault.seal("secret") != vault.seal("secret")


def test_an_older_key_still_opens_after_a_rotation_and_a_removed_one_does_not() -> None:
    sealed = Vault([OLD]).seal("secret")
    rotated = Vault([NEW, OLD]).rotate(sealed)
    assert Vault([NEW]).open(rotated) == "secret"
    with pytest.raises(CannotOpen):
        Vault([NEW]).open(sealed)


def test_a_token_names_its_subject_for_one_purpose_only() -> None:
    vault, subject = Vault([NEW, OLD]), new_id()
    token = Vault([OLD]).token("stk-callback", subject)
    assert vault.subject_of("stk-callback", token) == subject
    assert vault.subject_of("claim", token) is None
    assert Vault([NEW]).subject_of("stk-callback", token) is None


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 46, "=" * 10, "a b", "A" * 5000])
def test_what_is_no_token_names_nobody(token: str) -> None:
    assert Vault([OLD]).subject_of("stk-callback", token) is None


def test_a_token_with_one_changed_character_is_worthless() -> None:
    token = Vault([OLD]).token("stk-callback", new_id())
    for at in range(0, len(token) - 1, 5):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert Vault([OLD]).subject_of("stk-callback", changed) is None
