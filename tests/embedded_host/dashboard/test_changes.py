"""The stream that tells the page of changes."""

from __future__ import annotations

from itertools import count

import pytest

from embedded_host.dashboard import changes
from embedded_host.dashboard.changes import change_stream


async def test_it_tells_of_changes_and_else_is_silent() -> None:
    versions = iter([1, 1, 2, 2, 3])
    stream = change_stream(lambda: next(versions), pause=0).stream
    assert stream is not None
    assert [await anext(stream) for _ in range(5)] == [
        b"retry: 1000\ndata: open\n\n",
        b"",
        b"data: changed\n\n",
        b"",
        b"data: changed\n\n",
    ]


async def test_what_is_looked_at_is_asked_for_after_changes_alone() -> None:
    versions, looks = iter([1, 1, 1, 2, 3]), count()
    sights = iter(["a", "a", "b"])
    stream = change_stream(lambda: next(versions), lambda: (next(looks), next(sights))[1], pause=0).stream
    assert stream is not None
    told = [await anext(stream) for _ in range(5)]
    assert [bool(part) for part in told[1:]] == [False, False, False, True]
    assert next(looks) == 3


async def test_a_quiet_one_shows_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "QUIET", 0.0)
    stream = change_stream(lambda: 1, pause=0).stream
    assert stream is not None
    await anext(stream)
    assert await anext(stream) == b":\n\n"
