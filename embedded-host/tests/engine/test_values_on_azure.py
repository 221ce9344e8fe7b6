"""Results that Newtonsoft.Json changes on the Azure Functions host."""

from __future__ import annotations

import json

import pytest

from embedded_host.engine.observations import Difference, Observation
from embedded_host.engine.values_on_azure import changed_value

NAN = Observation(Difference.NOT_A_NUMBER, ("NaN",))
LOST_TYPE = Observation(Difference.METADATA, ("$type",))


@pytest.mark.parametrize(
    "value",
    [
        None,
        1.5,
        2**70,
        "World",
        "NaN",
        ["text NaN", "-Infinity"],
        {"NaN": 1},
        {"a": 1, "$type": "x"},
        [{"$type": "x"}],
        {"a": {"$type": "x"}},
        {"$typed": 1},
        {"$schema": "s", "$id": "i"},
        "$type",
        "\U0001f600",
        "\\ud800",
        {"__class__": "C", "__module__": "m", "__data__": 5},
    ],
)
def test_most_values_do_not_change(value: object) -> None:
    assert changed_value(json.dumps(value)) is None


def test_invalid_json_does_not_change() -> None:
    assert changed_value("NaN or not") is None


@pytest.mark.parametrize(
    ("value", "text", "observation"),
    [
        (float("nan"), '"NaN"', NAN),
        (
            [1, float("-inf"), {"a": float("inf")}],
            '[1,"-Infinity",{"a":"Infinity"}]',
            Observation(Difference.NOT_A_NUMBER, ("-Infinity and Infinity",)),
        ),
        ({"$type": "x", "a": 1}, '{"a":1}', LOST_TYPE),
        ({"$type": "x"}, "{}", LOST_TYPE),
        (
            {"$type": "x", "$id": "1", "a": {"$type": "y"}, "$id2": 2},
            '{"a":{"$type":"y"},"$id2":2}',
            Observation(Difference.METADATA, ("$type", "$id")),
        ),
        (
            {"$values": [1, 2]},
            "[1,2]",
            Observation(Difference.METADATA, ("$values",)),
        ),
        ({"$ref": "#/a"}, "null", Observation(Difference.METADATA, ("$ref",))),
        ({"$ref": None, "a": 1}, '{"a":1}', Observation(Difference.METADATA, ("$ref",))),
        ("a\ud800b", '"a\ufffdb"', Observation(Difference.LONE_SURROGATE)),
        ({"\udc80": 1}, '{"\ufffd":1}', Observation(Difference.LONE_SURROGATE)),
        ("\U0001f600\ude00", '"\U0001f600\ufffd"', Observation(Difference.LONE_SURROGATE)),
    ],
)
def test_a_changed_value(value: object, text: str, observation: Observation) -> None:
    changed = changed_value(json.dumps(value))
    assert changed is not None
    assert (changed.text or "null", changed.observations) == (text, (observation,))


def test_a_value_can_have_several_differences() -> None:
    changed = changed_value(json.dumps({"$type": "x", "a": float("nan"), "b": "\udfff"}))
    assert changed is not None
    assert changed.text == '{"a":"NaN","b":"\ufffd"}'
    assert changed.observations == (NAN, LOST_TYPE, Observation(Difference.LONE_SURROGATE))


def test_a_custom_status_has_no_metadata() -> None:
    assert changed_value('{"$type":"x"}', has_metadata=False) is None
    changed = changed_value('{"$type":"x","a":NaN}', has_metadata=False)
    assert changed is not None
    assert changed.text == '{"$type":"x","a":"NaN"}'
