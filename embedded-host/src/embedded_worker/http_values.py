"""Converts HTTP requests and responses for the converters of azure-functions."""

from __future__ import annotations

import json
import re

from azure.functions import meta

from embedded_worker.converters import converter_for
from embedded_worker.protocol import HttpRequestData, HttpResponseData


def request_datum(request: HttpRequestData) -> meta.Datum:
    """Return the datum of an HTTP request for the httpTrigger converter."""

    def strings(values: dict[str, str]) -> dict[str, meta.Datum]:
        return {name: meta.Datum(value, "string") for name, value in values.items()}

    return meta.Datum(
        {
            "method": meta.Datum(request.method, "string"),
            "url": meta.Datum(request.url, "string"),
            "headers": strings(request.headers),
            "query": strings(request.query),
            "params": strings(request.route),
            "body": meta.Datum(request.body, "bytes"),
        },
        "http",
    )


def response_data(value: object, function: str) -> HttpResponseData:
    """Return the response for the return value of the HTTP function ``function``.

    Raises TypeError if the value is neither an HttpResponse nor a string. The message is that of
    the Azure Functions host's Python worker.
    """
    converter = converter_for("http")
    try:
        datum = converter.encode(value, expected_type=None)
    except NotImplementedError:
        raise TypeError(
            "unable to encode outgoing TypedData: unsupported type "
            "\"<class 'azure.functions.http.HttpResponseConverter'>\" for Python type "
            f"\"{type(value).__name__}\". Return a func.HttpResponse or a str from '{function}'."
        ) from None
    if datum.type == "string":
        return _from_string(datum.value)
    fields = datum.value
    headers = [(name, header.value) for name, header in fields["headers"].items()]
    for cookie in fields["cookies"] or ():
        headers.extend(("Set-Cookie", morsel.OutputString()) for morsel in cookie.values())
    return HttpResponseData(int(str(fields["status_code"].value)), headers, fields["body"].value)


def _from_string(text: str) -> HttpResponseData:
    """Return the response for a string, as on the Azure Functions host.

    JSON objects and arrays are indented. A JSON object with a ``body`` describes the whole
    response.
    """
    plain = HttpResponseData(200, [("Content-Type", "text/plain; charset=utf-8")], text.encode())
    if text.lstrip()[:1] not in ("{", "["):
        return plain
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return plain
    named = {name.lower(): item for name, item in value.items()} if isinstance(value, dict) else {}
    if "body" in named:
        body = named["body"]
        named_headers = named.get("headers")
        headers = (
            [(str(name), str(header)) for name, header in named_headers.items()]
            if isinstance(named_headers, dict)
            else []
        )
        if not any(name.lower() == "content-type" for name, _ in headers):
            kind = (
                "text/plain; charset=utf-8"
                if isinstance(body, str)
                else "application/json; charset=utf-8"
            )
            headers.append(("Content-Type", kind))
        content = body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
        return HttpResponseData(
            _status(named.get("statuscode", named.get("status"))), headers, content.encode()
        )
    return HttpResponseData(
        200,
        [("Content-Type", "text/plain; charset=utf-8")],
        json.dumps(value, indent=2, ensure_ascii=False).encode(),
    )


def _status(value: object) -> int:
    """Return the status as an integer; 200 if ``value`` is not an integer."""
    text = str(value).strip()
    return int(text) if re.fullmatch("[+-]?[0-9]{1,9}", text) else 200
