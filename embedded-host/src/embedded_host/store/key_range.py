"""Conditions of queries that more than one module makes."""

from __future__ import annotations

_LAST = "\U0010ffff"
IS_ENTITY = "key IN (SELECT instance FROM entities)"
"""An orchestration may be given an id with a leading @ too (recorded): the entities table tells them apart."""


def end_of(prefix: str) -> str:
    """Ids that begin with ``prefix`` are from it on, and below this."""
    return prefix + _LAST
