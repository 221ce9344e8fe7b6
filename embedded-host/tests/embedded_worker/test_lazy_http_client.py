"""The delayed import of the SDK's HTTP client."""

from __future__ import annotations

import subprocess
import sys

import azure.durable_functions  # noqa: F401
import pytest

from embedded_worker import lazy_http_client

pytestmark = pytest.mark.process

CODE = """
import asyncio, http.server, sys, threading
from embedded_worker import lazy_http_client

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"runtimeStatus": "Completed"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

print(lazy_http_client.install())
from azure.durable_functions.models import DurableOrchestrationClient
import embedded_worker.runner
print("aiohttp" in sys.modules)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = sys.modules[DurableOrchestrationClient.__module__]
print(asyncio.run(client.get_async_request(f"http://127.0.0.1:{server.server_port}/")))
print("aiohttp" in sys.modules)
"""


def test_aiohttp_is_imported_by_the_first_request() -> None:
    """Use a separate process, because a module is imported once in a process."""
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.splitlines() == [
        "True",
        "False",
        "[200, {'runtimeStatus': 'Completed'}]",
        "True",
    ], done.stderr


def test_an_sdk_that_is_already_imported_is_not_changed() -> None:
    before = sys.modules[lazy_http_client.NAME]
    assert not lazy_http_client.install()
    assert sys.modules[lazy_http_client.NAME] is before
