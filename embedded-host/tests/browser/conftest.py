"""A real browser before a real host. All these tests share a pytest worker (``xdist_group``), and with it the host.

Where there is no Chromium, the tests are skipped; CI sets ``REQUIRE_BROWSER``, and there that is a failure.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.browser.shop_app import shop_app
from tests.support.running_host import RunningHost

SECONDS = 25
"""For whatever the page is waited for: machines are slow and busy."""
POLICY = "Content-Security-Policy violated:"
"""So begins the complaint about it."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
expect.set_options(timeout=SECONDS * 1000)


def chromium() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def browser_path() -> str:
    path = chromium()
    if path is None:
        text = "no Chromium on this machine: install it (Debian: apt-get install chromium), or name one with CHROMIUM=PATH"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(text)
        pytest.skip(text)
    return path


@pytest.fixture(scope="module")
def browser(browser_path: str) -> Iterator[Browser]:
    """Not for the whole session: while Playwright is there, an event loop runs in this thread, and asynchronous tests of
    other modules could not run."""
    playwright: Playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, browser_path: str) -> Iterator[RunningHost]:
    """A host with an app that has something of everything."""
    folder = tmp_path_factory.mktemp("shop")
    with RunningHost(shop_app(folder / "app").root, folder / "state") as host:
        yield host
        assert host.stop() == 0, host.log


class DashboardPage:
    """The page, with shorthands; nothing may be written to its console but what is expected."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.complaints: list[str] = []
        self.expected = ""
        """What a complaint has that a test brings about."""
        page.set_default_timeout(SECONDS * 1000)
        page.on(
            "console",
            lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.add_init_script(
            f"addEventListener('securitypolicyviolation', (e) => console.error('{POLICY}', e.violatedDirective, e.blockedURI))"
        )

    def open(self, place: str = "instances") -> Page:
        """``place`` is what follows ``/dashboard#/``."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.base}/dashboard#/{place}")
        return self.page

    def is_expected(self, complaint: str) -> bool:
        """What the page's Content-Security-Policy forbids never is."""
        return (
            bool(self.expected) and self.expected in complaint and not complaint.startswith(POLICY)
        )

    def width_overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        overflow: int = self.page.evaluate(script)
        return overflow


@pytest.fixture
def options() -> dict[str, object]:
    """Of the browser's context; tests and modules have their own."""
    return {}


@pytest.fixture
def dashboard(
    browser: Browser, shop: RunningHost, options: dict[str, object]
) -> Iterator[DashboardPage]:
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})  # type: ignore[arg-type]
    dashboard = DashboardPage(context.new_page(), shop.base)
    yield dashboard
    context.close()
    assert [text for text in dashboard.complaints if not dashboard.is_expected(text)] == []
