"""Every view in light and dark, on a telephone, and as assistive technology has it (axe-core)."""

from __future__ import annotations

from functools import partial

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, expect

from tests.browser.conftest import POLICY, DashboardPage
from tests.browser.shop_app import ORDER
from tests.support.running_host import RunningHost

WAYS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {
        "color_scheme": "light",
        "viewport": {"width": 375, "height": 720},
        "has_touch": True,
    },
}
VIEWS = {
    "instances": "table.list tbody tr",
    "instance/looks": ".g-row:nth-child(6)",
    "instance/looks?tab=history": "tr.event:nth-child(6)",
    "instance/looks?tab=sequence": ".sequence svg",
    "instance/looks-failed": ".panel.bad pre",
    "instance/none": ".notice",
    "functions": "article",
    "entities": "table.list tbody tr",
}


def starts_with(start: str, message: ConsoleMessage) -> bool:
    return message.text.startswith(start)


@pytest.fixture(scope="module")
def filled(shop: RunningHost) -> RunningHost:
    shop.until(shop.start("Order", {**ORDER, "id": "looks"}, "looks"), "Running")
    shop.end(shop.start("Failing", "x" * 200, "looks-failed"))
    shop.post(
        "/runtime/webhooks/durabletask/entities/Revenue/looks?op=add",
        '"1"',
        Content_Type="application/json",
    )
    return shop


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)
def test_every_view_fits_the_window_and_is_accessible(
    dashboard: DashboardPage, filled: RunningHost, options: dict[str, object]
) -> None:
    dashboard.expected = "404"
    for place, sign in VIEWS.items():
        page = dashboard.open(place)
        expect(page.locator(sign).first).to_be_visible()
        if place == "instance/looks":
            expect(page.locator(".diagnosis")).to_contain_text("Approval")
        assert dashboard.width_overflow() == 0, place
        found = Axe().run(page)
        assert found.violations_count == 0, f"{place}: {found.generate_report()}"
    page = dashboard.open("instance/looks")
    page.get_by_role("button", name="Raise event…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert dashboard.width_overflow() == 0


def test_a_breach_of_the_content_security_policy_is_noticed(dashboard: DashboardPage) -> None:
    """The other tests rest on this one: the page has the policy, and a breach of it does not go unseen."""
    page = dashboard.open()
    expect(page.locator("#live")).to_have_text("Live")
    assert dashboard.complaints == []
    breaches = {
        "style-src-attr": "<b style='color:red'>",
        "img-src": "<img src='http://127.0.0.1:9/x'>",
    }
    for directive, markup in breaches.items():
        start = f"{POLICY} {directive}"
        with page.expect_console_message(partial(starts_with, start)):
            page.evaluate(
                "(markup) => { document.body.insertAdjacentHTML('beforeend', markup) }", markup
            )
        dashboard.expected = directive
        assert not all(map(dashboard.is_expected, dashboard.complaints)), "it is never excused"
    dashboard.complaints.clear()


def test_the_chosen_theme_survives_a_reload(dashboard: DashboardPage, filled: RunningHost) -> None:
    page = dashboard.open()
    script = "getComputedStyle(document.documentElement).backgroundColor"
    theme = page.locator("#theme")
    expect(theme).to_have_accessible_name("Theme: as the system")
    light = page.evaluate(script)
    theme.click()
    theme.click()
    expect(theme).to_have_accessible_name("Theme: dark")
    dark = page.evaluate(script)
    assert dark != light
    page.reload()
    expect(theme).to_have_accessible_name("Theme: dark")
    assert page.evaluate(script) == dark
