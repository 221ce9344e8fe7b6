from __future__ import annotations

import azure.durable_functions  # noqa: F401  # registers the durable converters
import azure.functions as func
import pytest
from azure.functions import meta

from embedded_worker.converters import (
    GENERIC,
    check_http_output,
    converter_for,
    find_converter,
    registered_spelling,
)


@pytest.mark.parametrize("kind", ["httpTrigger", "activityTrigger", "orchestrationTrigger"])
def test_a_registered_type_has_its_converter(kind: str) -> None:
    assert find_converter(kind) is converter_for(kind)
    assert registered_spelling(kind) is None


@pytest.mark.parametrize(
    ("kind", "spelling"),
    [("HTTPTRIGGER", "httpTrigger"), ("Http", "http"), ("carrierPigeon", None)],
)
def test_any_other_type_has_the_generic_converter(kind: str, spelling: str | None) -> None:
    """As in the Python worker, the names of types are compared with regard to case."""
    assert find_converter(kind) is None
    assert converter_for(kind) is GENERIC
    assert registered_spelling(kind) == spelling


@pytest.mark.parametrize("kind", ["string", "json", "bytes"])
def test_a_generic_input_is_the_text_of_its_datum(kind: str) -> None:
    assert GENERIC.decode(meta.Datum('{"a": 1}', kind), trigger_metadata={}) == '{"a": 1}'


def test_a_generic_input_cannot_be_a_request() -> None:
    with pytest.raises(ValueError, match="data received for the \"generic\" binding : 'http'"):
        GENERIC.decode(meta.Datum({}, "http"), trigger_metadata={})


@pytest.mark.parametrize(
    ("value", "json"),
    [("a", '"a"'), ({"a": 1}, '{"a": 1}'), (True, "1"), (None, "null"), (b"a", '"YQ=="')],
)
def test_a_generic_output_is_json(value: object, json: str) -> None:
    assert GENERIC.encode(value, expected_type=None).value == json


def test_a_generic_output_is_not_any_object() -> None:
    with pytest.raises(NotImplementedError, match="cannot send a value of type object"):
        GENERIC.encode(object(), expected_type=None)


def test_only_an_http_output_in_its_documented_case_sends_a_response() -> None:
    check_http_output("http", func.HttpResponse())
    check_http_output("Http", "text")
    with pytest.raises(NotImplementedError, match='Write "http" instead of "Http" as the type'):
        check_http_output("Http", func.HttpResponse())
