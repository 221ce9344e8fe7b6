"""The page of one instance, and the actions on it."""

from __future__ import annotations

import re
from urllib.parse import quote
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import DashboardPage
from tests.browser.shop_app import ORDER
from tests.support.running_host import RunningHost


@pytest.fixture
def id() -> str:
    return uuid4().hex[:8]


def status(page: Page) -> Locator:
    return page.locator(".title .badge")


def action(page: Page, name: str, **fields: str) -> None:
    """Click the button of an action, fill the fields of its dialog and confirm it."""
    page.get_by_role("group", name="Actions").get_by_role("button", name=f"{name}…").click()
    dialog = page.get_by_role("dialog")
    for label, text in fields.items():
        dialog.get_by_label(label.replace("_", " ")).fill(text)
    dialog.get_by_role("button", name=name, exact=True).click()


def test_the_page_follows_an_instance_from_start_to_end(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    links = shop.start("Order", {**ORDER, "id": id}, id)
    page = dashboard.open(f"instance/{id}")
    diagnosis = page.get_by_role("region", name="Diagnosis")
    expect(diagnosis).to_contain_text("External event Approval since")
    expect(diagnosis).to_contain_text("Timer, due")
    expect(status(page)).to_have_text("Running")
    expect(page.locator(".panel", has_text="Input")).to_contain_text('"A-17"')
    expect(page.locator(".panel", has_text="Custom status")).to_contain_text('"step": "charging"')

    timeline = page.get_by_role("group", name="Timeline")
    expect(timeline.locator(".g-row")).to_have_count(7)
    texts = [re.sub(r", .*", "", text) for text in timeline.locator(".g-label").all_text_contents()]
    assert texts == [
        "Orchestrator",
        "Reserve",
        "Reserve",
        "Charge #1",
        "Charge: retry delay",
        "Charge #2",
        "Timer",
    ]
    expect(timeline.locator(".g-row").nth(3).locator(".g-bar")).to_have_attribute(
        "data-state", "failed"
    )
    timeline.locator(".g-row").nth(3).locator("summary").click()
    expect(timeline).to_contain_text("ConnectionError: the bank does not respond")
    expect(timeline.get_by_label("Traceback")).to_contain_text(
        'raise ConnectionError("the bank does not respond")'
    )

    shop.raise_event(links, "Approval", {"by": "me"})
    expect(status(page)).to_have_text("Completed")
    expect(diagnosis).to_be_hidden()
    expect(page.locator(".panel", has_text="Output")).to_contain_text(f'"shipped": "{id}"')
    expect(timeline.locator(".g-row")).to_have_count(10)
    page.locator(".related").get_by_role("link", name=f"{id}-ship").click()
    expect(page.get_by_role("heading", name="Ship", level=1)).to_be_visible()
    page.locator(".facts").get_by_role("link", name=id).click()
    expect(page.get_by_role("heading", name="Order", level=1)).to_be_visible()


def test_the_history_is_filtered_and_shows_each_events_json(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    shop.end(shop.start("Failing", "A-17", id))
    page = dashboard.open(f"instance/{id}?tab=history")
    table = page.get_by_role("table", name="Events")
    expect(table.locator("tr.event")).to_have_count(4)
    # An input that the SDK encoded twice is shown decoded.
    expect(table.locator("tr.event").first.locator(".e-detail")).to_have_text('"A-17"')
    page.get_by_label("Turns").check()
    expect(table.locator("tr.event")).to_have_count(8)
    page.get_by_label("Event type").select_option("TaskFailed")
    expect(table.locator("tr.event")).to_have_count(1)
    table.get_by_role("button", name=re.compile("^JSON of event")).click()
    expect(table.locator("tr.raw")).to_contain_text('"TaskScheduledId": 0')
    page.get_by_role("searchbox", name="Filter events").fill("nothing has this")
    expect(page.get_by_text("No event matches the filter")).to_be_visible()


def test_arrow_keys_move_between_the_tabs(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    shop.end(shop.start("Failing", "A-17", id))
    page = dashboard.open(f"instance/{id}")
    page.get_by_role("tab", name="Timeline").press("ArrowLeft")
    expect(page.get_by_role("tab", name="Sequence")).to_be_focused()
    picture = page.get_by_role(
        "img", name=re.compile("Sequence of 4 messages between Client, Failing, Fail")
    )
    expect(picture).to_be_visible()
    expect(picture.locator("text", has_text="failed")).to_have_count(2)


def test_an_activitys_error_is_shown_with_its_traceback(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    shop.end(shop.start("Failing", "A-17", id))
    page = dashboard.open(f"instance/{id}")
    error = page.locator(".panel.bad")
    expect(error).to_contain_text("ValueError: no stock of A-17")
    expect(error.get_by_label("Traceback")).to_contain_text(
        "raise ValueError(f'no stock of {value}')"
    )
    action(page, "Rewind", Reason="restocked")
    expect(page.get_by_text("The instance was rewound.")).to_be_visible()
    page.get_by_role("tab", name="History").click()
    expect(page.locator("tr.event", has_text="restocked").first).to_contain_text("GenericEvent")


@pytest.mark.parametrize(
    ("name", "error"),
    [("Bankrupt", "RuntimeError: no money left"), ("Recovers", "KeyError: 'its own'")],
)
def test_an_orchestrators_own_error_is_shown_with_its_traceback(
    dashboard: DashboardPage, shop: RunningHost, id: str, name: str, error: str
) -> None:
    shop.end(shop.start(name, None, id))
    page = dashboard.open(f"instance/{id}")
    expect(page.locator(".panel.bad .error-text")).to_contain_text(error.partition(": ")[2])
    trace = page.locator(".panel.bad").get_by_label("Traceback")
    expect(trace).to_contain_text(f"{name}/__init__.py")
    expect(trace).to_contain_text(error)


def test_an_instance_is_suspended_resumed_and_terminated(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    dashboard.expected = "404"
    shop.until(shop.start("Approve", None, id), "Running")
    page = dashboard.open(f"instance/{id}")
    expect(page.get_by_role("button", name="Resume…")).to_be_disabled()
    action(page, "Suspend", Reason="lunch")
    expect(status(page)).to_have_text("Suspended")
    expect(page.get_by_role("region", name="Diagnosis")).to_contain_text("suspended")
    since = page.get_by_role("region", name="Diagnosis").locator("time")
    expect(since).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"))
    expect(since).to_have_attribute("title", re.compile("UTC$"))
    action(page, "Resume")
    expect(status(page)).to_have_text("Running")
    action(page, "Terminate", Reason="too late")
    expect(status(page)).to_have_text("Terminated")
    expect(page.locator(".panel", has_text="Reason")).to_contain_text("too late")
    action(page, "Restart")
    expect(status(page)).to_have_text("Running")
    expect(page).not_to_have_url(re.compile(id))
    page.go_back()
    expect(status(page)).to_have_text("Terminated")
    action(page, "Purge")
    expect(page).to_have_url(re.compile("#/instances$"))
    page = dashboard.open(f"instance/{id}")
    expect(page.get_by_text("The instance does not exist")).to_be_visible()


def test_the_diagnosis_reaches_the_leaf_and_suggests_the_name_of_an_event(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    shop.start("ApproveChild", None, id)
    page = dashboard.open(f"instance/{id}")
    diagnosis = page.get_by_role("region", name="Diagnosis")
    cause = f"Root cause: {id} > west waits for the external event 'Approval' since"
    expect(diagnosis).to_contain_text(cause)
    diagnosis.get_by_role("link", name="west", exact=True).click()
    expect(page).to_have_url(re.compile("west$"))
    action(page, "Raise event", **{"Event name": "Approved"})
    expect(diagnosis).to_contain_text(
        re.compile("The event Approved was received .*Did you mean Approval")
    )


def test_the_json_of_an_event_is_checked_before_it_is_raised(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    shop.until(shop.start("Approve", None, id), "Running")
    page = dashboard.open(f"instance/{id}")
    expect(page.get_by_role("region", name="Diagnosis")).to_contain_text("Approval")
    page.get_by_role("button", name="Raise event…").click()
    dialog = page.get_by_role("dialog", name="Raise an event")
    expect(dialog.get_by_label("Event name")).to_have_value("Approval")
    data = dialog.get_by_label("Data (JSON)")
    data.fill('{"by":\n "me",}')
    expect(dialog.locator(".under .problem")).to_contain_text(
        re.compile(r"Invalid JSON: .* \(line 2, column \d+\)")
    )
    dialog.get_by_role("button", name="Raise event", exact=True).click()
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("alert")).to_be_empty()  # no request was sent
    data.fill('{"by":"me"}')
    expect(dialog.locator(".under .problem")).to_be_empty()
    dialog.get_by_role("button", name="Format").click()
    expect(data).to_have_value('{\n  "by": "me"\n}')
    dialog.get_by_text("curl", exact=True).click()
    command = dialog.get_by_label("curl command", exact=True)
    expect(command).to_contain_text(
        f"/instances/{id}/raiseEvent/Approval' -H 'Content-Type: application/json'"
    )
    data.press("Control+Enter")
    expect(status(page)).to_have_text("Completed")
    expect(page.locator(".panel", has_text="Output")).to_contain_text('"by": "me"')


def test_a_refusal_of_the_host_is_shown(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    dashboard.expected = "410"
    links = shop.start("Approve", None, id)
    shop.until(links, "Running")
    page = dashboard.open(f"instance/{id}")
    page.get_by_role("button", name="Suspend…").click()
    shop.post(links["terminatePostUri"])
    shop.end(links)
    page.get_by_role("dialog").get_by_role("button", name="Suspend", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text(
        "The instance has already finished."
    )


def test_an_unknown_instance_is_reported(dashboard: DashboardPage) -> None:
    dashboard.expected = "404"
    page = dashboard.open("instance/" + quote("a/b?c#d %"))
    expect(page.locator(".notice")).to_contain_text("“a/b?c#d %”")
