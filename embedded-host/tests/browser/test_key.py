"""A host that requires a key: the page prompts once, and sends the key with every request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route, expect

from embedded_host.access_keys.key_file import DEFAULT, DURABLE, KeyFile
from tests.browser.conftest import DashboardPage
from tests.browser.shop_app import shop_app
from tests.cli.calling import call
from tests.support.running_host import RunningHost

KEY = "right/+ key=="


class Guard:
    """A filter in the browser that refuses requests without the key, as a host with keys does."""

    def __init__(self, dashboard: DashboardPage) -> None:
        self.refused: list[str] = []
        self.urls: list[str] = []
        for path in ("**/dashboard/api/**", "**/runtime/**"):
            dashboard.page.route(path, self._filter)
        dashboard.expected = "401"

    def _filter(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        self.urls.append(route.request.url)
        if route.request.headers.get("x-functions-key") == KEY:
            route.continue_()
        else:
            self.refused.append(path)
            route.fulfill(status=401, body="", headers={"WWW-Authenticate": "Bearer"})


@pytest.fixture
def guard(dashboard: DashboardPage) -> Guard:
    return Guard(dashboard)


def test_the_key_is_requested_once_and_kept(
    dashboard: DashboardPage, guard: Guard, shop: RunningHost
) -> None:
    shop.until(shop.start("Approve", None, "with-key"), "Running")
    page = dashboard.open("instances?prefix=with-key")
    dialog = page.get_by_role("dialog", name="This host requires a key")
    expect(dialog).to_have_count(1)
    dialog.get_by_label("Key", exact=True).fill("wrong")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_role("alert")).to_have_text("The host rejected this key.")
    dialog.get_by_label("Key", exact=True).fill(KEY)
    dialog.get_by_label("Key", exact=True).press("Enter")
    expect(page.locator(".count")).to_have_text("1-1 of 1")
    expect(page.locator("#live")).to_have_text("Live")
    expect(dialog).to_have_count(0)
    # No other view, action or reload prompts again.
    refused = len(guard.refused)
    page.get_by_role("link", name="with-key").click()
    page.get_by_role("button", name="Terminate…").click()
    action = page.get_by_role("dialog")
    action.get_by_text("curl", exact=True).click()
    expect(action.get_by_label("curl command", exact=True)).to_contain_text(
        f"-H 'x-functions-key: {KEY}'"
    )
    action.get_by_role("button", name="Terminate", exact=True).click()
    expect(page.locator(".title .badge")).to_have_text("Terminated")
    page.reload()
    expect(page.locator(".title .badge")).to_have_text("Terminated")
    assert len(guard.refused) == refused
    assert [url for url in guard.urls if "right" in url] == [], "no URL has the key"


def test_a_link_with_the_key_needs_no_prompt(dashboard: DashboardPage, guard: Guard) -> None:
    page = dashboard.page
    page.goto(f"{dashboard.base}/dashboard#code=right%2F%2B%20key%3D%3D")
    expect(page.locator("#live")).to_have_text("Live")
    expect(page).to_have_url(re.compile(r"/dashboard#/instances$"))
    assert guard.refused == []


def test_a_cancelled_prompt_shows_the_refusal_and_can_be_repeated(
    dashboard: DashboardPage, guard: Guard
) -> None:
    page = dashboard.open("functions")
    dialog = page.get_by_role("dialog", name="This host requires a key")
    expect(dialog).to_be_visible()
    while dialog.count():
        dialog.get_by_role("button", name="Cancel").first.click()
    expect(page.get_by_role("alert")).to_contain_text("The host responded with status 401.")
    page.get_by_role("button", name="Try again").click()
    dialog.get_by_label("Key", exact=True).fill(KEY)
    dialog.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("article", name="Order", exact=True)).to_be_visible()


def test_after_a_cancelled_prompt_nothing_is_requested_until_the_next_attempt(
    dashboard: DashboardPage, guard: Guard
) -> None:
    page = dashboard.page
    page.clock.install()
    dashboard.open("instances")
    dialog = page.get_by_role("dialog", name="This host requires a key")
    expect(dialog).to_be_visible()
    while dialog.count():
        dialog.get_by_role("button", name="Cancel").first.click()
    expect(page.get_by_role("alert")).to_contain_text("The host responded with status 401.")
    expect(page.locator("#live")).to_have_text("Offline")
    refused = len(guard.refused)
    page.clock.run_for(10_000)
    page.wait_for_load_state("networkidle")
    assert len(guard.refused) == refused
    assert dialog.count() == 0
    page.get_by_role("button", name="Try again").click()
    dialog.get_by_label("Key", exact=True).fill(KEY)
    dialog.get_by_role("button", name="Continue").click()
    expect(page.locator(".count")).to_contain_text("of")
    expect(page.locator("#live")).to_have_text("Live")


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, browser_path: str) -> Iterator[RunningHost]:
    folder = tmp_path_factory.mktemp("locked")
    with RunningHost(
        shop_app(folder / "app").root, folder / "state", "--auth", "--verbose"
    ) as host:
        yield host
        assert host.stop() == 0, host.log


def test_the_system_key_opens_the_dashboard(browser: Browser, locked: RunningHost) -> None:
    """The command ``embedded-host keys list`` prints this key."""
    keys = KeyFile(locked.state).keys()
    context = browser.new_context()
    dashboard = DashboardPage(context.new_page(), locked.base)
    page = dashboard.open("functions")
    dialog = page.get_by_role("dialog", name="This host requires a key")
    dialog.get_by_label("Key", exact=True).fill(keys.host[DEFAULT])
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_role("alert")).to_have_text("The host rejected this key.")
    dialog.get_by_label("Key", exact=True).fill(keys.system[DURABLE])
    dialog.get_by_role("button", name="Continue").click()
    page.get_by_role("article", name="Approve", exact=True).get_by_role(
        "button", name="Start…"
    ).click()
    page.get_by_role("dialog").get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("region", name="Diagnosis")).to_contain_text("Approval")
    expect(page.locator("#live")).to_have_text("Live")
    context.close()


def printed_link(host: RunningHost) -> str:
    lines = call("keys", "list", "--state", host.state, "--script-root", host.root).out.splitlines()
    (line,) = [line for line in lines if "Dashboard:" in line]
    return line.split()[-1]


def test_the_link_opens_the_dashboard_and_keeps_the_key_to_itself(
    browser: Browser, locked: RunningHost
) -> None:
    links = locked.start("Approve", None, "with-a-key")
    key = KeyFile(locked.state).keys().system[DURABLE]
    requested: list[str] = []
    context = browser.new_context()
    page = context.new_page()
    page.on("request", lambda request: requested.append(request.url))
    page.goto(printed_link(locked))
    expect(page.get_by_role("link", name="with-a-key")).to_be_visible()
    assert key not in page.url
    # The request of the event stream also contains the key.
    locked.raise_event(links, "Approval", True)
    expect(page.get_by_role("row").filter(has_text="with-a-key")).to_contain_text("Completed")
    page.reload()
    expect(page.get_by_role("link", name="with-a-key")).to_be_visible()
    assert any("/dashboard/api/events" in url for url in requested)
    assert not [url for url in requested if key in url.partition("#")[0]]
    assert key not in locked.log
    context.close()


def test_without_the_key_the_page_shows_nothing(browser: Browser, locked: RunningHost) -> None:
    locked.start("Approve", None, "hidden-without-a-key")
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{locked.base}/dashboard")
    expect(page.get_by_role("dialog", name="This host requires a key")).to_be_visible()
    assert "hidden-without-a-key" not in page.content()
    context.close()
