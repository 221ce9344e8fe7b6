"""Converts HTTP requests and responses between the protocol and the converters of azure-functions."""

from __future__ import annotations

import json
import re

from azure.functions import meta

from embedded_worker.converters import converter_for
from embedded_worker.protocol import HttpRequestData, HttpResponseData


def request_datum(request: HttpRequestData) -> meta.Datum:
    def texts(values: dict[str, str]) -> dict[str, meta.Datum]:
        return {name: meta.Datum(value, "string") for name, value in values.items()}

    return meta.Datum(
        {
            "method": meta.Datum(request.method, "string"),
            "url": meta.Datum(request.url, "string"),
            "headers": texts(request.headers),
            "query": texts(request.query),
            "params": texts(request.route),
            "body": meta.Datum(request.body, "bytes"),
        },
        "http",
    )


def response_data(value: object, function: str) -> HttpResponseData:
    """Return the response for a function's value. Raises TypeError, with the text of the Functions host's worker, for other values."""
    converter = converter_for("http")
    try:
        datum = converter.encode(value, expected_type=None)
    except NotImplementedError:
        raise TypeError(
            "unable to encode outgoing TypedData: unsupported type \"<class 'azure.functions.http.HttpResponseConverter'>\" "
            f"for Python type \"{type(value).__name__}\". Return a func.HttpResponse or a str from '{function}'."
        ) from None
    if datum.type == "string":
        return _from_text(datum.value)
    fields = datum.value
    headers = [(name, header.value) for name, header in fields["headers"].items()]
    for cookie in fields["cookies"] or ():
        headers.extend(("Set-Cookie", morsel.OutputString()) for morsel in cookie.values())
    return HttpResponseData(int(str(fields["status_code"].value)), headers, fields["body"].value)


def _from_text(text: str) -> HttpResponseData:
    """Return the response for a string. The Functions host indents JSON objects and arrays, and uses an object with a ``body`` as a
    whole response."""
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
        given = named.get("headers")
        headers = (
            [(str(name), str(header)) for name, header in given.items()]
            if isinstance(given, dict)
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
    """Return the status as a number; 200 if it is not an integer."""
    text = str(value).strip()
    return int(text) if re.fullmatch("[+-]?[0-9]{1,9}", text) else 200
