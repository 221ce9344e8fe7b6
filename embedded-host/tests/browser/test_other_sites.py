"""Pages of other sites cannot start or terminate instances. The tests use a real browser."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.support.polling import eventually
from tests.support.running_host import MANAGEMENT, RunningHost

ATTACKS = {
    "picture": "document.body.append(Object.assign(new Image(), {src: url}))",
    "fetch": 'fetch(url, {mode: "no-cors", credentials: "include"}).catch(() => {})',
    "fetch with POST": 'fetch(url, {mode: "no-cors", method: "POST", body: "{}"}).catch(() => {})',
    "fetch with CORS": 'fetch(url, {method: "POST"}).catch(() => {})',
    "beacon": 'navigator.sendBeacon(url, "{}")',
    "script": 'document.body.append(Object.assign(document.createElement("script"), {src: url}))',
    "stream": "new EventSource(url)",
    "frame": 'document.body.append(Object.assign(document.createElement("iframe"), {src: url}))',
    "object": 'document.body.append(Object.assign(document.createElement("object"), {data: url}))',
    "stylesheet": 'document.head.append(Object.assign(document.createElement("link"), '
    '{rel: "stylesheet", href: url}))',
    "form": 'Object.assign(document.body.appendChild(document.createElement("form")), '
    '{action: url, method: "POST"}).submit()',
    "form with GET": 'Object.assign(document.body.appendChild(document.createElement("form")), '
    "{action: url}).submit()",
    "navigation": "location.href = url",
    "window": "window.open(url)",
}


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>A page</title><body>Hello"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve_page() -> Iterator[int]:
    """Serve a page and yield the port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(5)


@pytest.fixture(
    scope="module", params=["127.0.0.1", "localhost"], ids=["another site", "another port"]
)
def site(request: pytest.FixtureRequest) -> Iterator[str]:
    with serve_page() as port:
        yield f"http://{request.param}:{port}"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


def status_of_attack(context: BrowserContext, site: str, script: str, url: str) -> int:
    """Return the status of the host's response to a page of ``site`` that runs ``script``.

    The script sends a request for ``url``.
    """
    page = context.new_page()
    page.goto(site)
    requested: set[str] = set()
    received: dict[str, int] = {}
    statuses: list[int] = []

    def on_sent(event: dict[str, Any]) -> None:
        if url in event["request"]["url"]:
            requested.add(event["requestId"])

    def on_received(event: dict[str, Any]) -> None:
        received[event["requestId"]] = event["statusCode"]

    # Only these events contain a response that the browser hides from the page. The order of the
    # events varies. Only the context reports responses for windows and frames.
    network = context.new_cdp_session(page)
    network.on("Network.requestWillBeSent", on_sent)
    network.on("Network.responseReceivedExtraInfo", on_received)
    network.send("Network.enable")
    context.on(
        "response",
        lambda response: statuses.append(response.status) if url in response.url else None,
    )
    page.evaluate(f"(url) => {{ {script} }}", url)
    for _ in range(1000):
        if seen := [*statuses, *(received[number] for number in requested if number in received)]:
            return seen[0]
        page.wait_for_timeout(20)
    raise AssertionError(f"{script}: the host got no request or sent no response")


def instances(host: RunningHost) -> set[str]:
    return {item["instanceId"] for item in host.get(f"{MANAGEMENT}/instances?top=1000").json}


@pytest.mark.parametrize("attack", ATTACKS)
def test_pages_of_other_sites_cannot_start_instances(
    context: BrowserContext, shop: RunningHost, site: str, attack: str
) -> None:
    before = instances(shop)
    assert status_of_attack(context, site, ATTACKS[attack], f"{shop.base}/api/start/Echo") == 403
    assert instances(shop) == before


def test_pages_of_other_sites_cannot_terminate_instances(
    context: BrowserContext, shop: RunningHost, site: str
) -> None:
    links = shop.start("Approve")
    shop.until(links, "Running")
    terminate = links["terminatePostUri"].replace("{text}", "x")
    for attack in ("fetch with POST", "beacon", "form"):
        assert status_of_attack(context, site, ATTACKS[attack], terminate) == 403
    assert shop.status(links)["runtimeStatus"] == "Running"
    shop.post(terminate)
    shop.until(links, "Terminated")


def test_a_link_that_starts_an_instance_needs_a_confirmation(
    context: BrowserContext, shop: RunningHost, site: str
) -> None:
    page = context.new_page()
    page.goto(site)
    before = instances(shop)
    page.evaluate("(url) => { location.href = url }", f"{shop.base}/api/start/Echo")
    link = page.get_by_role("link")
    link.wait_for()
    assert instances(shop) == before
    with page.expect_response(f"{shop.base}/api/start/Echo") as response:
        link.click()
    assert response.value.status == 202
    (started,) = eventually(lambda: instances(shop) - before, "an instance starts")
    assert json.loads(page.inner_text("body"))["id"] == started


def test_a_link_to_a_function_without_client_needs_no_confirmation(
    context: BrowserContext, shop: RunningHost, site: str
) -> None:
    page = context.new_page()
    for path, text in (
        ("/api/ping", "pong"),
        (f"{MANAGEMENT}/instances?instanceIdPrefix=none", "[]"),
    ):
        page.goto(site)
        page.evaluate("(url) => { location.href = url }", shop.base + path)
        page.wait_for_url(shop.base + path)
        assert page.inner_text("body") == text


def test_a_typed_url_starts_an_instance(context: BrowserContext, shop: RunningHost) -> None:
    page = context.new_page()
    response = page.goto(f"{shop.base}/api/start/Echo")
    assert response is not None
    assert response.status == 202
