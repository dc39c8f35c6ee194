"""Duplicate detection (RFC 5080 section 2.2.2)."""

from radius_service.recent import Key, RecentRequests

KEY: Key = (3, "10.0.0.1", 1812, 7)


def test_a_repeat_finds_the_exchange_that_was_begun() -> None:
    recent = RecentRequests()
    first, fresh = recent.begin(KEY, b"a" * 16, now=0)
    assert fresh
    assert first.reply is None
    first.reply = b"the reply"
    again, fresh = recent.begin(KEY, b"a" * 16, now=5)
    assert not fresh
    assert again.reply == b"the reply"


def test_another_authenticator_is_another_request_and_purges_the_first() -> None:
    recent = RecentRequests()
    recent.begin(KEY, b"a" * 16, now=0)
    other, fresh = recent.begin(KEY, b"b" * 16, now=1)
    assert fresh
    assert other.reply is None
    assert recent.begin(KEY, b"a" * 16, now=2)[1], "the first one was not purged"


def test_another_sender_or_identifier_is_another_request() -> None:
    recent = RecentRequests()
    recent.begin(KEY, b"a" * 16, now=0)
    for other in (
        (4, "10.0.0.1", 1812, 7),
        (3, "10.0.0.2", 1812, 7),
        (3, "10.0.0.1", 1813, 7),
        (3, "10.0.0.1", 1812, 8),
    ):
        assert recent.begin(other, b"a" * 16, now=0)[1]


def test_a_request_that_was_let_go_is_handled_when_it_comes_again() -> None:
    recent = RecentRequests()
    first, _ = recent.begin(KEY, b"a" * 16, now=0)
    first.dropped = True
    assert recent.begin(KEY, b"a" * 16, now=1)[1]


def test_after_some_seconds_it_is_forgotten() -> None:
    recent = RecentRequests(kept_seconds=10)
    recent.begin(KEY, b"a" * 16, now=0)
    assert not recent.begin(KEY, b"a" * 16, now=9.9)[1]
    assert recent.begin(KEY, b"a" * 16, now=10)[1]
    assert len(recent) == 1


def test_forgetting_an_old_request_spares_the_newer_one_of_the_same_key() -> None:
    recent = RecentRequests(kept_seconds=10)
    recent.begin(KEY, b"a" * 16, now=0)
    recent.begin(KEY, b"b" * 16, now=8)
    assert not recent.begin(KEY, b"b" * 16, now=12)[1]


def test_a_flood_does_not_grow_it_without_bound() -> None:
    recent = RecentRequests(most=100)
    for number in range(1000):
        recent.begin((3, "10.0.0.1", number, 1), b"a" * 16, now=0)
    assert len(recent) <= 100
