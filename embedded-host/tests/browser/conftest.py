"""Fixtures with a real browser and a real host.

All browser tests run in one pytest worker and share the host. They are skipped if Chromium is not
installed. If ``REQUIRE_BROWSER`` is set, as in CI, they fail instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.browser.shop_app import shop_app
from tests.support.running_host import RunningHost

SECONDS = 25
"""The timeout of each wait. It is long because machines can be slow and busy."""
POLICY = "Content-Security-Policy violated:"
"""The first words of a console message about a violation of the policy."""
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
        text = (
            "Chromium is not installed. Install it (Debian: apt-get install chromium), or set "
            "CHROMIUM to its path."
        )
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(text)
        pytest.skip(text)
    return path


@pytest.fixture(scope="module")
def browser(browser_path: str) -> Iterator[Browser]:
    """Start a browser for one module.

    The browser cannot run during the whole session: while Playwright is open, an event loop runs in
    this thread, and asynchronous tests of other modules cannot run.
    """
    playwright: Playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, browser_path: str) -> Iterator[RunningHost]:
    """Start a host with the app of ``shop_app``."""
    folder = tmp_path_factory.mktemp("shop")
    with RunningHost(shop_app(folder / "app").root, folder / "state") as host:
        yield host
        assert host.stop() == 0, host.log


class DashboardPage:
    """The dashboard's page, with shortcuts and the errors and warnings of its console."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.messages: list[str] = []
        """The errors and warnings of the console."""
        self.expected = ""
        """A string in all messages that the test expects; empty if it expects no message."""
        page.set_default_timeout(SECONDS * 1000)
        page.on(
            "console",
            lambda m: self.messages.append(m.text) if m.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (event) => "
            f"console.error('{POLICY}', event.violatedDirective, event.blockedURI))"
        )

    def open(self, view: str = "instances") -> Page:
        """Open a view. ``view`` is the part of the URL after ``/dashboard#/``."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.base}/dashboard#/{view}")
        return self.page

    def is_expected(self, message: str) -> bool:
        """Return True for an expected message. A violation of the policy is never expected."""
        return bool(self.expected) and self.expected in message and not message.startswith(POLICY)

    def check_appearance(self) -> None:
        """Assert that the page is not wider than the window, and that axe finds no violation."""
        script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(script) == 0, self.page.url
        report = Axe().run(self.page)
        assert report.violations_count == 0, f"{self.page.url}: {report.generate_report()}"


def appearance(theme: str, width: int) -> dict[str, object]:
    """Return the options of a browser context with a theme and a width of the window."""
    return {"color_scheme": theme, "viewport": {"width": width, "height": 900}}


APPEARANCES = {
    f"{theme}-{width}": appearance(theme, width)
    for theme in ("light", "dark")
    for width in (1400, 375)
}
OPPOSITE_APPEARANCES = {name: APPEARANCES[name] for name in ("light-1400", "dark-375")}
"""Each theme and each width once, for tests that are too slow for all appearances."""


@pytest.fixture
def options() -> dict[str, object]:
    """Return options of the browser context. Tests and modules override this fixture."""
    return {}


@pytest.fixture
def dashboard(
    browser: Browser, shop: RunningHost, options: dict[str, object]
) -> Iterator[DashboardPage]:
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})  # type: ignore[arg-type]
    dashboard = DashboardPage(context.new_page(), shop.base)
    yield dashboard
    context.close()
    assert [text for text in dashboard.messages if not dashboard.is_expected(text)] == []
