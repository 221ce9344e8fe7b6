"""The pages of functions and entities."""

from __future__ import annotations

import re
import shlex
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DashboardPage
from tests.browser.shop_app import ORDER
from tests.support.running_host import RunningHost


@pytest.fixture
def id() -> str:
    return uuid4().hex[:8]


def test_a_function_is_shown_with_its_bindings_and_calls(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    links = shop.start("Order", {**ORDER, "id": id}, id)
    shop.until(links, "Running")
    shop.raise_event(links, "Approval", 1)
    shop.end(links)
    page = dashboard.open("functions")
    order = page.get_by_role("article", name="Order")
    expect(order.locator(".calls")).to_have_text("calls Charge, Reserve, revenue, Ship")
    order.get_by_role("button", name="Ship").click()
    ship = page.get_by_role("article", name="Ship")
    expect(ship).to_be_focused()
    expect(ship).to_contain_text("called by Order")
    order.get_by_text("Bindings").click()
    expect(order.locator(".bindings")).to_have_text("orchestrationTrigger context in")
    queue = page.get_by_role("article", name="Queue")
    expect(queue).to_contain_text("Out of service")
    expect(queue).to_contain_text("no storage queues")
    ping = page.get_by_role("article", name="Ping")
    expect(ping).to_contain_text("GET /api/ping")
    expect(ping.get_by_role("link", name="Open Ping")).to_have_attribute("href", "/api/ping")
    nightly = page.get_by_role("article", name="Nightly")
    nightly.get_by_role("button", name="Run now…").click()
    page.get_by_role("dialog").get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("Nightly was started.")).to_be_visible()


def test_the_start_form_offers_the_last_input(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    page = dashboard.open("functions")
    page.get_by_role("article", name="Echo").get_by_role("button", name="Start…").click()
    dialog = page.get_by_role("dialog", name="Start Echo")
    dialog.get_by_label("Instance id").fill(id)
    dialog.get_by_label("Input (JSON)").fill('{"quote": "it\'s"}')
    dialog.get_by_text("curl", exact=True).click()
    code = dialog.get_by_label("curl command", exact=True)
    # The command appears after the box has opened.
    expect(code).to_contain_text("curl -X POST")
    command = code.inner_text()
    dialog.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", name="Echo", level=1)).to_be_visible()
    expect(page.locator(".panel", has_text="Output")).to_contain_text('"quote": "it\'s"')
    page.get_by_role("link", name="Functions", exact=True).click()
    page.get_by_role("article", name="Echo").get_by_role("button", name="Start…").click()
    expect(page.get_by_role("dialog").get_by_label("Input (JSON)")).to_have_value(
        '{\n  "quote": "it\'s"\n}'
    )
    # The curl command sends the same request as the dialog.
    words = shlex.split(command)
    assert words[:3] == ["curl", "-X", "POST"]
    response = shop.post(
        words[3].replace(id, id + "-2"), words[-1], Content_Type="application/json"
    )
    assert shop.end(response.json)["output"] == {"quote": "it's"}


def test_entities_are_listed_signalled_and_deleted(dashboard: DashboardPage, id: str) -> None:
    page = dashboard.open("functions")
    page.get_by_role("article", name="Revenue").get_by_role("button", name="Signal…").click()
    dialog = page.get_by_role("dialog", name="Signal Revenue")
    dialog.get_by_label("Key").fill(id)
    dialog.get_by_label("Operation").fill("add")
    dialog.get_by_label("Input (JSON)").fill("5")
    dialog.get_by_role("button", name="Signal", exact=True).click()
    expect(page.get_by_text(f"Revenue {id} was signaled.")).to_be_visible()
    page.get_by_role("link", name="Entities", exact=True).click()
    line = page.get_by_role("row").filter(has_text=id)
    expect(line).to_contain_text("5")
    line.get_by_role("button", name=f"Signal @revenue@{id}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Operation").fill("add")
    dialog.get_by_label("Input (JSON)").fill("[")
    dialog.get_by_role("button", name="Signal", exact=True).click()
    expect(dialog.locator(".under .problem")).to_contain_text("Invalid JSON")
    dialog.get_by_label("Input (JSON)").fill("37")
    dialog.get_by_role("button", name="Signal", exact=True).click()
    expect(line).to_contain_text("42")
    page.get_by_label("Entity", exact=True).select_option("revenue")
    page.get_by_label("Key begins with").fill("none")
    expect(page.get_by_text("No entity matches the filter")).to_be_visible()
    page.get_by_label("Key begins with").fill(id)
    line.get_by_role("button", name=re.compile("^Delete")).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("No entity matches the filter")).to_be_visible()


def test_a_parity_finding_is_listed_with_a_link_to_its_instance(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    links = shop.start("Order", {**ORDER, "id": id}, id)
    shop.until(links, "Running")
    shop.raise_event(links, "APPROVAL", 1)
    shop.end(links)
    page = dashboard.open("functions")
    finding = page.get_by_role("region", name="Would differ on Azure").locator("[data-code=EH872]")
    expect(finding).to_contain_text("'APPROVAL', and the orchestrator awaits 'Approval'")
    finding.get_by_role("link", name=id).click()
    expect(page).to_have_title(f"{id} · Durable Functions")
