"""A limit for log lines that clients can trigger."""

from __future__ import annotations


class OncePerKey:
    """A set of at most ``limit`` keys, so that clients cannot fill the log with new keys."""

    def __init__(self, limit: int = 20) -> None:
        self._limit = limit
        self._seen: set[str] = set()

    def is_new(self, key: str) -> bool:
        """Return True for the first use of ``key``, unless the limit is reached."""
        if key in self._seen or len(self._seen) >= self._limit:
            return False
        self._seen.add(key)
        return True
