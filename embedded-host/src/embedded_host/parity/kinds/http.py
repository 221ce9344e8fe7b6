"""The kinds of findings of HTTP functions.

Source: the HTTP requests and responses that were recorded on the Azure Functions host
(docs/reference/functions-host.md#http-requests, #http-responses).
"""

from __future__ import annotations

from embedded_host.parity.kinds import Kind

CHUNKED_BODY = Kind(
    "EH820",
    "the function {function} receives an empty body if the request has Transfer-Encoding: chunked",
    "Send the request with a Content-Length.",
)
LOST_COOKIE = Kind(
    "EH821",
    "a cookie of the function {function} is not sent, because the parser of the Python worker, "
    "http.cookies.SimpleCookie, rejects its Set-Cookie header",
    "Encode the value of the cookie with urllib.parse.quote, and use only the attributes expires, "
    "path, domain, max-age, secure, httponly and samesite.",
)
REQUEST_TRACE_ENDS = Kind(
    "EH827",
    "the trace of a request to {function} ends there, because the durable client starts a new "
    "trace for the orchestration",
    "Set PYTHON_ENABLE_OPENTELEMETRY to true, and install and configure the OpenTelemetry SDK in "
    "the app.",
)
REQUEST_TRACE = Kind(
    "EH828",
    "context.trace_context of the function {function} is empty without telemetry, although the "
    "request has a header traceparent",
    "Read the header from the request, or set telemetryMode in host.json to OpenTelemetry.",
)
LONG_CONTENT_LENGTH = Kind(
    "EH823",
    "a response of the function {function} is truncated, because its header Content-Length is "
    "greater than its body",
    "Omit the header: the host sets it.",
)
TRANSFER_ENCODING = Kind(
    "EH824",
    "the client of the function {function} waits forever, because the function sets the header "
    "Transfer-Encoding",
    "Omit the header: the host sets it.",
)
