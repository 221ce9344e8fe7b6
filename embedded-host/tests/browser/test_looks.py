"""All views in the light and dark theme and on a phone, with accessibility checks (axe-core)."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.sync_api import ConsoleMessage, expect

from tests.browser.conftest import POLICY, DashboardPage
from tests.browser.shop_app import ORDER
from tests.support.running_host import RunningHost

APPEARANCES = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {
        "color_scheme": "light",
        "viewport": {"width": 360, "height": 720},
        "has_touch": True,
    },
}
VIEWS = {
    "instances": "table.list tbody tr",
    "instances?view=causes": "table.causes tbody tr",
    "instance/styled": "div:nth-child(5) > .g-row",
    "instance/styled?tab=history": "tr.event:nth-child(6)",
    "instance/styled?tab=sequence": ".sequence svg",
    "instance/styled-failed": ".panel.bad pre",
    "instance/styled-fan": ".g-row.inside",
    "instance/none": ".notice",
    "functions": "article",
    "entities": "table.list tbody tr",
}


WIDER_THAN_THEIR_BOX = """() => [
    ...document.querySelectorAll(".top, .filter, table, .scroll:not(.sequence)")
].filter((node) => node.scrollWidth > node.clientWidth).map((node) => node.className)"""
"""A diagram may be wider than its box and scroll."""


def starts_with(start: str, message: ConsoleMessage) -> bool:
    return message.text.startswith(start)


@pytest.fixture(scope="module")
def filled(shop: RunningHost) -> RunningHost:
    shop.until(shop.start("Order", {**ORDER, "id": "styled"}, "styled"), "Running")
    shop.end(shop.start("Failing", "x" * 200, "styled-failed"))
    shop.end(shop.start("FanOut", None, "styled-fan"))
    shop.post(
        "/runtime/webhooks/durabletask/entities/Revenue/styled?op=add",
        '"1"',
        Content_Type="application/json",
    )
    return shop


@pytest.mark.parametrize("options", APPEARANCES.values(), ids=APPEARANCES)
def test_every_view_fits_the_window_and_is_accessible(
    dashboard: DashboardPage, filled: RunningHost, options: dict[str, object]
) -> None:
    dashboard.expected = "404"
    for view, selector in VIEWS.items():
        page = dashboard.open(view)
        expect(page.locator(selector).first).to_be_visible()
        if view == "instance/styled":
            expect(page.locator(".diagnosis")).to_contain_text("Approval")
        assert page.evaluate(WIDER_THAN_THEIR_BOX) == [], view
        assert page.evaluate("document.querySelector('.top').offsetHeight") <= 50
        if view in ("instances", "instances?view=causes", "entities") and "has_touch" in options:
            top = page.locator(selector).first.bounding_box()
            assert top is not None
            assert top["y"] < 300, view
        dashboard.check_appearance()
    page = dashboard.open("instance/styled")
    page.get_by_role("button", name="Raise event…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    dashboard.check_appearance()


def test_a_violation_of_the_content_security_policy_is_reported(dashboard: DashboardPage) -> None:
    """The other tests require that the page has the policy and that each violation is reported."""
    page = dashboard.open()
    expect(page.locator("#live")).to_have_text("Live")
    assert dashboard.messages == []
    violations = {
        "style-src-attr": "<b style='color:red'>",
        "img-src": "<img src='http://127.0.0.1:9/x'>",
    }
    for directive, markup in violations.items():
        start = f"{POLICY} {directive}"
        with page.expect_console_message(partial(starts_with, start)):
            page.evaluate(
                "(markup) => { document.body.insertAdjacentHTML('beforeend', markup) }", markup
            )
        dashboard.expected = directive
        assert not all(map(dashboard.is_expected, dashboard.messages)), (
            "a violation is never expected"
        )
    dashboard.messages.clear()


def test_the_chosen_theme_survives_a_reload(dashboard: DashboardPage, filled: RunningHost) -> None:
    page = dashboard.open()
    script = "getComputedStyle(document.documentElement).backgroundColor"
    theme = page.locator("#theme")
    expect(theme).to_have_accessible_name("Theme: system")
    light = page.evaluate(script)
    theme.click()
    theme.click()
    expect(theme).to_have_accessible_name("Theme: dark")
    dark = page.evaluate(script)
    assert dark != light
    page.reload()
    expect(theme).to_have_accessible_name("Theme: dark")
    assert page.evaluate(script) == dark
