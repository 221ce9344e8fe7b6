from __future__ import annotations

from embedded_host.http.once_per_key import OncePerKey


def test_a_key_is_new_once() -> None:
    once = OncePerKey()
    assert [once.is_new(key) for key in ("a", "b", "a")] == [True, True, False]


def test_keys_beyond_the_limit_are_never_new() -> None:
    once = OncePerKey(limit=2)
    assert [once.is_new(key) for key in ("a", "b", "c", "a")] == [True, True, False, False]
