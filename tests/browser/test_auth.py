"""The dashboard of a host with ``--auth``: the link that ``embedded-host keys list`` shows is all that is needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from embedded_host.keys.key_file import DURABLE, KeyFile
from tests.browser.shop_app import shop_app
from tests.embedded_host.cli.calling import call
from tests.support.running_host import RunningHost


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory, browser_path: str) -> Iterator[RunningHost]:
    root = shop_app(tmp_path_factory.mktemp("auth") / "app").root
    with RunningHost(root, root / ".embedded-host", "--auth", "--verbose") as host:
        yield host
        assert host.stop() == 0, host.log


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def link(host: RunningHost) -> str:
    (line,) = [
        line for line in call("keys", "list", "--script-root", host.root).out.splitlines() if "Dashboard:" in line
    ]
    return line.split()[-1]


def test_the_link_opens_the_dashboard_and_keeps_the_key_to_itself(keyed: RunningHost, page: Page) -> None:
    links = keyed.start("Approve", None, "with-a-key")
    key = KeyFile(keyed.state).keys().system[DURABLE]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(link(keyed))
    expect(page.get_by_role("link", name="with-a-key")).to_be_visible()
    assert key not in page.url
    # Live, too: the stream has the key as everything else.
    keyed.raise_event(links, "Approval", True)
    expect(page.get_by_role("row").filter(has_text="with-a-key")).to_contain_text("Completed")
    page.reload()
    expect(page.get_by_role("link", name="with-a-key")).to_be_visible()
    assert any("/dashboard/api/events" in url for url in asked)
    assert not [url for url in asked if key in url.partition("#")[0]]
    assert key not in keyed.log


def test_without_the_key_the_page_shows_nothing_and_asks(keyed: RunningHost, page: Page) -> None:
    keyed.start("Approve", None, "hidden-without-a-key")
    page.goto(f"{keyed.base}/dashboard")
    expect(page.get_by_role("dialog", name="This host asks for a key")).to_be_visible()
    assert "hidden-without-a-key" not in page.content()
