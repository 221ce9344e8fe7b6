from __future__ import annotations

import pytest

from embedded_host.testing.values import decoded, encoded, input_value, stored_value


@pytest.mark.parametrize("value", [None, 1, "x", [1, None], {"a": "ü"}])
def test_plain_values_survive_encoding(value: object) -> None:
    assert decoded(encoded(value)) == value


def test_an_input_may_be_encoded_once_or_twice() -> None:
    assert [input_value(text) for text in (None, '"{\\"a\\": 1}"', '{"a": 1}')] == [
        None,
        {"a": 1},
        {"a": 1},
    ]


def test_a_stored_string_that_is_not_json_is_returned_unchanged() -> None:
    assert [stored_value(text) for text in (None, "1", "it broke")] == [None, 1, "it broke"]
