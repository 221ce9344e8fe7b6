"""Counts how often a process decodes or encodes long JSON.

Apps under test get a copy of this file.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

LONG = 100_000
"""Minimum length of counted JSON in characters."""


def count(passes: Counter[str], json_module: Any = json) -> Counter[str]:
    """Count in ``passes`` from now on, until the process exits, and return ``passes``."""
    read, write = json_module.JSONDecoder.raw_decode, json_module.JSONEncoder.iterencode

    def counted_reading(it: Any, text: str, *arguments: Any, **options: Any) -> Any:
        passes["read"] += len(text) >= LONG
        return read(it, text, *arguments, **options)

    def counted_writing(it: Any, value: Any, *arguments: Any, **options: Any) -> Any:
        chunks = tuple(write(it, value, *arguments, **options))
        passes["written"] += sum(map(len, chunks)) >= LONG
        return chunks

    json_module.JSONDecoder.raw_decode, json_module.JSONEncoder.iterencode = (
        counted_reading,
        counted_writing,
    )
    return passes
