"""The page of one instance, and the actions on it."""

from __future__ import annotations

import json
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
    expect(timeline.locator(".g-row")).to_have_count(5)
    texts = [re.sub(r", .*", "", text) for text in timeline.locator(".g-label").all_text_contents()]
    assert texts == [
        "Orchestrator",
        "Reserve",
        "Reserve",
        f'Charge · 2 attempts "{id}"',
        "Timer",
    ]
    charge = timeline.locator(".g-row").nth(3)
    expect(charge.locator(".g-bar[data-state=failed]")).to_have_count(1)
    expect(charge.locator(".g-bar[data-kind=retry]")).to_have_count(1)
    timeline.locator(".g-row").nth(3).locator("summary").click()
    expect(timeline).to_contain_text("ConnectionError: the bank does not respond")
    expect(timeline.get_by_label("Attempts").locator("li")).to_have_count(2)

    shop.raise_event(links, "Approval", {"by": "me"})
    expect(status(page)).to_have_text("Completed")
    expect(diagnosis).to_be_hidden()
    expect(page.locator(".panel", has_text="Output")).to_contain_text(f'"shipped": "{id}"')
    expect(timeline.locator(".g-row")).to_have_count(8)
    timeline.get_by_role("link", name=f"Open {id}-ship").click()
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
    page.get_by_role("tab", name="Timeline").press("ArrowRight")
    page.get_by_role("tab", name="History").press("ArrowRight")
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
    error = page.locator("main .panel.bad")
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
    trace = page.locator("main .panel.bad").get_by_label("Traceback")
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


def test_the_failed_step_of_a_fan_out_is_visible_without_a_click(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    shop.end(shop.start("FanOut", None, id))
    page = dashboard.open(f"instance/{id}")
    timeline = page.get_by_role("group", name="Timeline")
    group = timeline.locator(".g-row.group")
    expect(group).to_contain_text("Pick \N{MULTIPLICATION SIGN} 200")
    expect(group).to_contain_text(re.compile(r"199 ok, 1 failed, p50 .*, max "))
    failed = timeline.locator(".g-row.inside")
    expect(failed).to_have_count(1)
    expect(failed.locator(".g-label")).to_contain_text("Pick · 2 attempts 133")
    # The timer after the last attempt delays nothing, so it is not drawn.
    expect(failed.locator(".g-bar[data-kind=retry]")).to_have_count(1)
    failed.locator("summary").click()
    expect(failed.get_by_label("Input", exact=True)).to_have_text("133")
    expect(failed).to_contain_text("ValueError: no stock of item 133")

    group.locator("summary").click()
    expect(timeline.locator(".g-row.inside")).to_have_count(198)  # a page has 200 rows
    page.get_by_label("Failed only (1)").check()
    expect(timeline.locator(".g-row")).to_have_count(2)
    page.get_by_label("Failed only (1)").uncheck()
    completed = timeline.locator(".g-row.inside").nth(1)
    completed.locator("summary").click()
    expect(completed).to_contain_text("storeInputsInOrchestrationHistory")

    page.get_by_role("tab", name="Sequence").click()
    expect(page.get_by_role("img", name=re.compile("Sequence of 4 messages"))).to_be_visible()


def test_a_value_of_megabytes_is_shown_in_part_and_downloaded(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    shop.end(shop.start("Huge", None, id))
    page = dashboard.open(f"instance/{id}")
    panel = page.locator(".panel", has_text="Output")
    expect(panel.get_by_label("Output", exact=True)).to_contain_text('"row": 0,')
    panel.get_by_role("button", name=re.compile("^Show the first 100,000 of ")).click()
    expect(panel.get_by_label("Output", exact=True)).to_contain_text('"row": 900,')
    with page.expect_download() as download:
        panel.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "output.json"
    rows = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert len(rows) == 60_000
    step = page.get_by_role("group", name="Timeline").locator(".g-row").nth(1)
    step.locator("summary").click()
    with page.expect_download() as download:
        step.get_by_role("button", name="Download").click()
    assert len(json.loads(download.value.path().read_text(encoding="utf-8"))) == 60_000


TREE = {
    "instanceId": "tree-0",
    "name": "Top",
    "runtimeStatus": "Running",
    "createdTime": "2026-01-02T03:04:05Z",
    "lastUpdatedTime": "2026-01-02T03:04:09Z",
    "waitsFor": "Sub-orchestration Level",
    "children": [
        {
            "instanceId": "tree-0:west",
            "name": "Level",
            "runtimeStatus": "Running",
            "createdTime": "2026-01-02T03:04:06Z",
            "lastUpdatedTime": "2026-01-02T03:04:09Z",
            "waitsFor": "the external event 'StockCounted' since 2026-01-02T03:04:07.123456Z",
            "children": [],
            "entities": [],
        }
    ],
    "entities": [{"id": "@stock@west", "name": "stock", "state": {"count": 5}}],
    "truncated": 3,
}


def test_the_tree_has_the_children_and_the_entities_with_their_states(
    dashboard: DashboardPage, shop: RunningHost, id: str
) -> None:
    shop.until(shop.start("Approve", None, id), "Running")
    page = dashboard.page
    page.route("**/dashboard/api/instances/*/tree", lambda route: route.fulfill(json=TREE))
    dashboard.open(f"instance/{id}?tab=tree")
    tree = page.get_by_role("tabpanel", name="Tree")
    child = tree.locator("li li").first
    expect(child).to_contain_text("Running Level tree-0:west")
    expect(child).to_contain_text("waits for the external event 'StockCounted' since")
    expect(child.locator("time")).to_have_attribute("title", "2026-01-02 03:04:07.123 UTC")
    expect(child.get_by_role("link")).to_have_attribute("href", "#/instance/tree-0%3Awest")
    expect(tree).to_contain_text('{"count":5}')
    expect(tree).to_contain_text("3 more instances not shown")
    dashboard.check_appearance()
    tree.get_by_role("link", name="@stock@west").click()
    expect(page).to_have_url(re.compile("#/entities"))
