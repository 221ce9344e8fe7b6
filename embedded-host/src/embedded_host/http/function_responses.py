"""The HTTP response for the result of a function (functions-host.md#http-responses)."""

from __future__ import annotations

import logging
import re

from embedded_host.app.http_header import is_valid_header
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds.http import LONG_CONTENT_LENGTH, TRANSFER_ENCODING
from embedded_host.web.response import Response
from embedded_worker.protocol import HttpResponseData

log = logging.getLogger("embedded_host.http")
_FRAMING = ("content-length", "transfer-encoding", "connection")
"""Headers that describe the framing of a response. Few functions set them."""
_WITHOUT_BODY = (204, 205, 304)
"""Statuses whose responses have no body."""


def function_response(
    name: str, method: str, data: HttpResponseData, findings: Findings
) -> Response:
    """Return the response of the function ``name`` to a request with ``method``.

    The response is a 500 if Kestrel, the server of the Azure Functions host, could not send it:
    Kestrel rejects headers with line breaks or characters that are not ASCII.
    """
    framing: dict[str, str] = {}
    for header, value in data.headers:
        if not is_valid_header(header, value):
            log.error(
                "Function '%s' returned a header that cannot be sent: %r: %r. A name contains "
                "letters, digits and '-'. A value contains ASCII characters without line breaks. "
                "Percent-encode other characters. [EH324]",
                name,
                header,
                value,
            )
            return Response(500)
        if len(header) in (10, 14, 17) and header.lower() in _FRAMING:
            framing[header.lower()] = value
    if not 200 <= data.status <= 999:
        return _invalid_status(name, data, findings)
    body = b"" if data.status in _WITHOUT_BODY else data.body
    response = Response(data.status, body, list(data.headers), chunked=True)
    if framing:
        return _framed(name, method, response, framing, findings)
    return response


def _invalid_status(name: str, data: HttpResponseData, findings: Findings) -> Response:
    """Log the status. In strict mode, return the response that the client cannot read."""
    log.error(
        "Function '%s' returned the invalid status %d: a status is a number from 200 to 999. "
        "[EH323]",
        name,
        data.status,
    )
    if findings.is_strict:
        return Response(data.status, data.body, list(data.headers), close=True)
    return Response(500)


def _framed(
    name: str, method: str, response: Response, framing: dict[str, str], findings: Findings
) -> Response:
    """Apply the headers that describe the framing as Kestrel does."""
    if "connection" in framing:
        options = [option.strip().lower() for option in framing["connection"].split(",")]
        response.close = "keep-alive" not in options
    if "transfer-encoding" in framing:
        findings.add(TRANSFER_ENCODING, name)
        response.is_incomplete = findings.is_strict
        return response
    if "content-length" not in framing:
        return response
    text = framing["content-length"].strip()
    length, size = int(text) if re.fullmatch("[0-9]{1,18}", text) else -1, len(response.body)
    has_no_body = response.status in _WITHOUT_BODY
    if length < size or (has_no_body and response.status != 304 and length > 0):
        log.error(
            "Function '%s' returned the header Content-Length: %s, but its body has %d bytes. "
            "Omit the header: the host sets it. [EH822]",
            name,
            text,
            size,
        )
        return Response(500, close=True)
    if length > size and not has_no_body and method != "HEAD":
        findings.add(
            LONG_CONTENT_LENGTH,
            name,
            detail=f"The header is {length}, and the body has {size} bytes.",
        )
        response.is_incomplete = findings.is_strict
    elif method != "HEAD":
        response.chunked = False
    return response
