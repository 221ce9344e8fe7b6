from __future__ import annotations

import pytest

from embedded_worker.string_responses import PLAIN, status_code, string_response


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("hello", "hello"),
        ("", ""),
        ("  ", ""),
        ("{bad", "{bad"),
        ('"q"', "q"),
        ("null", ""),
        ("true", "True"),
        ("12", "12"),
        ("1.50", "1.50"),
        ("1e3", "1e3"),
        ("007", "007"),
        ("[1]", "[\n  1\n]"),
        ("{'a': 1}", '{\n  "a": 1\n}'),
        ('[{"body": "b"}]', '[\n  {\n    "body": "b"\n  }\n]'),
    ],
)
def test_a_string_is_written_again_as_plain_text(text: str, body: str) -> None:
    response = string_response(text)
    assert response == (200, [("Content-Type", PLAIN)], body.encode())


@pytest.mark.parametrize(
    ("text", "status", "body"),
    [
        ('{"body": "b"}', 200, "b"),
        ('{"BODY": "b", "Status": 404}', 404, "b"),
        ('{"status": 201, "statusCode": "202", "body": 1.5}', 202, "1.5"),
        ('{"body": "exact", "Body": "other"}', 200, "exact"),
        ('{"body": "b", "status": "many"}', 200, "b"),
        ('{"body": "b", "status": 201.0}', 200, "b"),
        ('{"body": {"a": [1, null]}}', 200, '{"a":[1,null]}'),
        ('{"body": [1]}', 200, "System.Collections.Generic.List`1[System.Object]"),
        ('{"body": null, "status": 204}', 204, ""),
        ('{"body": "b", "headers": [1], "cookies": [{"name": "a"}]}', 200, "b"),
    ],
)
def test_an_object_with_a_body_describes_the_response(text: str, status: int, body: str) -> None:
    response = string_response(text)
    assert response == (status, [("Content-Type", PLAIN)], body.encode())


def test_the_headers_of_a_described_response_are_sent() -> None:
    text = '{"body": "b", "headers": {"x-h": 1, "X-H": 2, "t": true, "o": {}}}'
    assert string_response(text).headers[1:] == [
        ("x-h", "1"),
        ("t", "True"),
        ("o", "System.Dynamic.ExpandoObject"),
    ]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("application/json", "application/json; charset=utf-8"),
        ("text/html; charset=latin-1", "text/html; charset=utf-8"),
        ("", PLAIN),
    ],
)
def test_the_content_type_of_a_described_response_has_the_charset(given: str, sent: str) -> None:
    text = f'{{"body": "b", "headers": {{"content-type": "{given}"}}}}'
    assert string_response(text).headers == [("Content-Type", sent)]


def test_a_header_that_is_null_is_refused() -> None:
    with pytest.raises(ValueError, match="the header 'x-h' of the returned response is null"):
        string_response('{"body": "b", "headers": {"x-h": null}}')


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("201", 201),
        (" +201\n", 201),
        ("-1", -1),
        ("2_01", 200),
        ("abc", 200),
        ("", 200),
        ("99999999999", 200),
        (201, 201),
        (True, 200),
        (None, 200),
        (2**64, 200),
    ],
)
def test_a_status_is_an_integer_or_200(value: object, status: int) -> None:
    assert status_code(value) == status


def test_an_integer_of_more_than_32_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="exceeds 32 bits"):
        status_code(2**31)
