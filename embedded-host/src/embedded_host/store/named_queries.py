"""SQL files with named queries. Each query starts with a line ``-- name: NAME``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path


@lru_cache
def named_queries(file: str) -> Mapping[str, str]:
    """Return the queries of a file in this folder by name."""
    content = Path(__file__).with_name(file).read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in content.split("\n-- name: ")[1:])
    return {name.strip(): query.strip() for name, _, query in parts}
