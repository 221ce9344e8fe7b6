"""Sends requests over HTTP while a synchronous client blocks the event loop of the worker.

A synchronous client in a coroutine function blocks the event loop of the connection to the host.
Therefore, its requests go to the host's HTTP endpoint for the SDK, whose URL contains a secret.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import http.client
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

from embedded_worker.protocol import ClientResponse
from embedded_worker.rpc_protocol import STATUS_HEADER
from embedded_worker.sdk2.rpc import exchange


def start_in_thread(
    endpoint: str, rpc: str, document: Mapping[str, object], deadline: float | None
) -> concurrent.futures.Future[ClientResponse]:
    """Exchange a request and its response over HTTP in a new thread.

    ``endpoint`` is the base URL of the endpoint, with a slash at its end.
    """
    response: concurrent.futures.Future[ClientResponse] = concurrent.futures.Future()

    async def send(method: str, path: str, body: bytes) -> ClientResponse:
        return _post(endpoint, path, body)

    def run() -> None:
        with contextlib.suppress(concurrent.futures.InvalidStateError):  # the call was cancelled
            try:
                result = asyncio.run(exchange(send, rpc, document, deadline))
            except BaseException as error:
                response.set_exception(error)
            else:
                response.set_result(result)

    threading.Thread(target=run, name="blocking client", daemon=True).start()
    return response


def _post(endpoint: str, rpc: str, body: bytes) -> ClientResponse:
    """Send one request. Raises ConnectionError if the host cannot be reached."""
    url = urlsplit(endpoint)
    connection = http.client.HTTPConnection(url.netloc)
    try:
        connection.request("POST", f"{url.path}rpc/{rpc}", body)
        response = connection.getresponse()
        status = response.getheader(STATUS_HEADER)
        if status is None:
            raise ConnectionError(f"the host responded with the HTTP status {response.status}")
        return ClientResponse(0, int(status), response.read())
    except http.client.HTTPException as error:
        raise ConnectionError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()
