"""Limits the log lines that clients can cause."""

from __future__ import annotations


class OncePerKey:
    """Admits each key once, and at most ``limit`` keys, so that no client can fill the log."""

    def __init__(self, limit: int = 20) -> None:
        self._limit = limit
        self._seen: set[str] = set()

    def is_new(self, key: str) -> bool:
        """Return True for the first use of ``key``, unless the limit is reached."""
        if key in self._seen or len(self._seen) >= self._limit:
            return False
        self._seen.add(key)
        return True
