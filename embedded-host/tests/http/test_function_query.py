from __future__ import annotations

import pytest

from embedded_host.http.function_query import function_query


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("a", {}),
        ("a=1&a=2&A=3", {"a": "1,2,3"}),
        ("A=&a=1", {"A": "1"}),
        ("b=&c&d=x&d=&e=%20x+y", {"d": "x", "e": " x y"}),
        ("a=%26%3D&b=%2B+", {"a": "&=", "b": "+ "}),
        ("f=%2C&f=%3D&%C3%A9=1", {"f": ",,=", "é": "1"}),
        ("a=%FF%C3%A9", {"a": "%FFé"}),
        ("a=1;b=2", {"a": "1;b=2"}),
        ("=x&&", {"": "x"}),
        ("a=b=c", {"a": "b=c"}),
    ],
)
def test_query_parameters_are_joined_under_the_first_spelling(
    text: str, values: dict[str, str]
) -> None:
    assert function_query(text) == values
