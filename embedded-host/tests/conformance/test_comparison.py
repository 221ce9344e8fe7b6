"""The comparison reports differences and ignores variable parts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.comparison import differences

STEP: dict[str, Any] = {
    "request": "GET /x",
    "status": 200,
    "headers": {"content-type": "application/json"},
    "body": {"a": [1, {"b": None}], "url": "http://x?taskHub=H&code=<key>"},
}


@pytest.mark.parametrize(
    "other",
    [
        {**STEP, "status": 202},
        {**STEP, "headers": {}},
        {**STEP, "headers": {"content-type": "text/plain"}},
        {**STEP, "body": ""},
        {**STEP, "body": {**STEP["body"], "more": 1}},
        {**STEP, "body": {**STEP["body"], "a": [1]}},
        {**STEP, "body": {**STEP["body"], "a": [1, {}]}},
        {**STEP, "body": {**STEP["body"], "a": [True, {"b": None}]}},
        {**STEP, "body": {**STEP["body"], "url": "http://x?taskHub=Other"}},
        {"request": "GET /x"},
    ],
)
def test_a_difference_is_found(other: dict[str, Any]) -> None:
    assert differences(STEP, other)


@pytest.mark.parametrize(
    ("recorded", "got"),
    [
        (STEP, STEP),
        (STEP, {**STEP, "body": {**STEP["body"], "url": "http://x?taskHub=H"}}),
        ({"StackTrace": "at System"}, {"StackTrace": ""}),
        (
            {"b": "Activity function 'A' failed: E: boom \n{...}"},
            {"b": "Activity function 'A' failed: E: boom"},
        ),
        (
            {"b": "the known orchestrator functions: 'A', 'B'."},
            {"b": "the known orchestrator functions: 'B', 'A'."},
        ),
    ],
)
def test_irrelevant_differences_are_ignored(recorded: dict[str, Any], got: dict[str, Any]) -> None:
    assert differences(recorded, got) == []
