"""Mutation of JSON values: other types, extreme numbers, broken texts, missing and moved parts."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.fuzz.mutations import mutated

VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    1,
    2,
    -1,
    2**31 - 1,
    2**31,
    -(2**31) - 1,
    2**63,
    -(2**63) - 1,
    10**400,
    1.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "null",
    "{}",
    "@",
    "@@",
    "@counter",
    "@counter@k",
    "@COUNTER@K",
    "@missing@k",
    "op",
    "release",
    "a\x00b",
    "\ud800",
    "\U0001f600\u202e",
    "/../%2e?#",
    "x" * 20_000,
    "[" * 2_000,
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999999Z",
    "9999-12-31T23:59:59-14:00",
    "2026-02-30T00:00:00Z",
    "-1s",
    "nan",
    "ORCHESTRATION_STATUS_COMPLETED",
    "ORCHESTRATION_STATUS_PENDING",
    "ORCHESTRATION_STATUS_NO",
    {},
    [],
    [None],
    {"": None},
)
"""Values that take the place of others."""
_NESTED = ("<50 levels>", "<900 levels>", "<5000 levels>")
"""Strings that are replaced by nested arrays and objects, because Python cannot encode these."""


def mutated_json(random: Random, seeds: Sequence[Any], values: Sequence[Any] = ()) -> str:
    """Return one of ``seeds`` with some changes, as JSON or, in rare cases, as text similar to it.

    ``values`` are more values that take the place of others.
    """
    document = copy.deepcopy(random.choice(seeds))
    for _ in range(random.choice((0, 1, 1, 2, 3, 6))):
        document = _changed(random, document, random.choice(seeds), (*VALUES, *values))
    text = json.dumps(document, ensure_ascii=random.random() < 0.9)
    for name in _NESTED:
        if name in text:
            levels = int(name[1:].split()[0])
            text = text.replace(f'"{name}"', '[{"a":' * (levels // 2) + "1" + "}]" * (levels // 2))
    if random.random() < 0.05:
        raw = mutated(random, (text.encode("utf-8", "surrogatepass"),))
        text = raw.decode("utf-8", "surrogateescape")
    return text


def _changed(random: Random, document: Any, other: Any, values: Sequence[Any]) -> Any:
    """Return ``document`` with one change. ``other`` is a source of parts."""
    places = list(_places(document))
    if not places:
        return copy.deepcopy(random.choice(values))
    container, key = random.choice(places)
    kind = random.randrange(7)
    if kind == 0:
        del container[key]
    elif kind == 1 and isinstance(container, list):
        container.append(copy.deepcopy(container[key]))
    elif kind == 2 and isinstance(container, list):
        random.shuffle(container)
    elif kind == 3:
        container[key] = random.choice(_NESTED)
    elif kind in (4, 5):
        _graft(random, container, key, other)
    else:
        container[key] = copy.deepcopy(random.choice(values))
    return document


def _graft(random: Random, container: Any, key: Any, other: Any) -> None:
    """Put a part of ``other`` into ``container``: if possible, one with the same key."""
    found = list(_places(other))
    same = [place for place in found if place[1] == key] or found
    if not same:
        return
    source, other_key = random.choice(same)
    part = copy.deepcopy(source[other_key])
    if isinstance(container, list):
        container.insert(random.randrange(len(container) + 1), part)
    else:
        container[other_key] = part


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Return the container and the key of each part of ``document``."""
    places: list[tuple[Any, Any]] = []
    pending = [document]
    while pending:
        container = pending.pop()
        if isinstance(container, dict):
            keys: list[Any] = list(container)
        elif isinstance(container, list):
            keys = list(range(len(container)))
        else:
            continue
        places += [(container, key) for key in keys]
        pending += [container[key] for key in keys]
    return places
