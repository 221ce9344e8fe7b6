"""Compare the responses of a host with recorded ones: status, recorded headers and body."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any

Step = dict[str, Any]


def without_keys(value: Any) -> Any:
    """Remove access keys from URLs, because the compared host may not require keys."""
    text = re.sub(r"(?:code=<key>|x=1)&?", "", json.dumps(value)).replace("?&", "?")
    return json.loads(re.sub(r"[?&](?=[ \"\\]|$)", "", text))


def essential(value: Any) -> Any:
    """Replace or remove the parts that differ between implementations.

    These parts are .NET stack traces, the text after the error message of an activity, the messages
    of a JSON parser, and the order of the known functions.
    """
    if isinstance(value, dict):
        free = {"StackTrace", "Details"}
        if value.get("Message") == "Invalid JSON content":
            free |= {"ExceptionMessage", "ExceptionType"}
        return {
            k: "<details>" if k in free and v is not None else essential(v)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [essential(item) for item in value]
    if isinstance(value, str):
        value = re.sub(
            r"(Activity function '[^']*' failed: +[^\n]*?) ?\n.*", r"\1", value, flags=re.DOTALL
        )
        known = r"(known \w+ functions: )((?:'[^']*'(?:, )?)+)"
        return re.sub(
            known, lambda found: found[1] + ", ".join(sorted(found[2].split(", "))), value
        )
    return value


def differences(recorded: Step, got: Step) -> list[str]:
    """Return one sentence for each JSON path at which two steps differ."""
    expected, found = _flat(essential(without_keys(recorded))), _flat(essential(without_keys(got)))
    places = [*expected, *(place for place in found if place not in expected)]
    absent = "<absent>"
    return [
        f"{place or 'step'}: recorded {_shown(expected.get(place, absent))}, got "
        f"{_shown(found.get(place, absent))}"
        for place in places
        if _shown(expected.get(place, absent))
        != _shown(found.get(place, absent))  # as JSON, because True == 1 in Python
    ]


def check_steps(
    case: str,
    recorded: Sequence[Step],
    got: Sequence[Step],
    skipped: Collection[object],
) -> None:
    """Fail if a step of ``got`` differs from its recording. ``skipped`` are (case, step) pairs."""
    assert len(got) == len(recorded)
    differing = [
        f"[{number}] {expected['request']}\n    " + "\n    ".join(found)
        for number, (expected, step) in enumerate(zip(recorded, got, strict=True))
        if (case, number) not in skipped and (found := differences(expected, step))
    ]
    assert not differing, f"{case}: {len(differing)} of {len(got)} steps differ\n" + "\n".join(
        differing
    )


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _flat(value: Any, at: str = "") -> dict[str, Any]:
    """Return the leaves by JSON path, with the keys of objects and the lengths of arrays."""
    if isinstance(value, dict):
        flat: dict[str, Any] = {at + "{}": sorted(value)}
        for key, inner in value.items():
            flat |= _flat(inner, f"{at}.{key}")
        return flat
    if isinstance(value, list):
        flat = {at + "[]": len(value)}
        for index, inner in enumerate(value):
            flat |= _flat(inner, f"{at}[{index}]")
        return flat
    return {at: value}
