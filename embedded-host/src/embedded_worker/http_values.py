"""Converts HTTP requests and responses for the converters of azure-functions."""

from __future__ import annotations

from collections.abc import Callable

from azure.functions import meta

from embedded_worker.converters import converter_for
from embedded_worker.protocol import FindingData, HttpRequestData, HttpResponseData

LOST_COOKIE = "EH821"
"""The code of the finding for a cookie that SimpleCookie cannot parse."""


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


def response_data(
    value: object, function: str, report: Callable[[FindingData], None]
) -> HttpResponseData:
    """Return the response for the return value of the HTTP function ``function``.

    ``report`` receives the parity findings. Raises TypeError if the value is neither an
    HttpResponse nor a string. The message is that of the Azure Functions host's Python worker.
    Raises ValueError for a cookie or a JSON text that the Azure Functions host cannot send.
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
        from embedded_worker.string_responses import string_response

        return string_response(datum.value)
    fields = datum.value
    # Of headers whose names differ only in case, the last is sent.
    headers = {name.lower(): (name, header.value) for name, header in fields["headers"].items()}
    cookies: list[tuple[str, str]] = []
    if fields["cookies"]:
        from embedded_worker.response_cookies import set_cookie

        for parsed in fields["cookies"]:
            if not parsed:
                report(FindingData(LOST_COOKIE, function))
            for name, cookie in parsed.items():
                cookies.append(("Set-Cookie", set_cookie(name, cookie)))
    return HttpResponseData(
        _status(fields["status_code"].value), [*headers.values(), *cookies], fields["body"].value
    )


def _status(text: str) -> int:
    """Return the status. It is 200 if ``text`` is not an integer."""
    if len(text) == 3 and text.isdecimal() and text.isascii():
        return int(text)
    from embedded_worker.string_responses import status_code

    return status_code(text)
