"""A counter of the calls in which a process decodes or encodes long JSON.

Apps under test contain a copy of this file.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

LONG = 100_000
"""The minimum length of counted JSON in characters."""


def count(passes: Counter[str], json_module: Any = json) -> Counter[str]:
    """Start to count in ``passes``, until the process exits, and return ``passes``."""
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
