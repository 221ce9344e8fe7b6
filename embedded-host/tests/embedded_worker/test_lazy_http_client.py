"""Each test uses a process of its own: a module is imported once."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.process

PRELUDE = """
import sys
from embedded_worker import lazy_http_client
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_sdk_is_imported_without_aiohttp() -> None:
    out = run("""
        print(lazy_http_client.install())
        import azure.durable_functions
        import embedded_worker.runner
        print("aiohttp" in sys.modules)
        """)
    assert out.split() == ["True", "False"]


def test_the_first_call_over_http_is_the_sdks_own() -> None:
    out = run("""
        import asyncio, http.server, threading

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b'{"runtimeStatus": "Completed"}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        lazy_http_client.install()
        from azure.durable_functions.models import DurableOrchestrationClient as module
        url = f"http://127.0.0.1:{server.server_port}/"
        client = sys.modules[module.__module__]

        async def main():
            print(await client.get_async_request(url))

        asyncio.run(main())
        print("aiohttp" in sys.modules)
        """)
    assert out.splitlines() == ["[200, {'runtimeStatus': 'Completed'}]", "True"]


def test_an_sdk_that_is_imported_already_is_left_alone() -> None:
    out = run("""
        import azure.durable_functions
        own = sys.modules[lazy_http_client.NAME]
        print(lazy_http_client.install(), sys.modules[lazy_http_client.NAME] is own)
        """)
    assert out.split() == ["False", "True"]
