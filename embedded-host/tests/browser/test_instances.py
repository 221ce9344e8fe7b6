"""The list of instances, used with mouse and keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import SECONDS, DashboardPage
from tests.browser.shop_app import ORDER
from tests.support.polling import eventually
from tests.support.running_host import MANAGEMENT, RunningHost


@pytest.fixture
def prefix() -> str:
    """Return a prefix for the ids of the test's instances."""
    return uuid4().hex[:8] + "-"


def rows(page: Page) -> Iterator[str]:
    return iter(page.locator("table.list tbody a.id").all_inner_texts())


def test_the_home_page_links_to_the_dashboard(dashboard: DashboardPage, shop: RunningHost) -> None:
    dashboard.expected = "404"  # browsers request an icon, which the home page does not have
    assert f"Dashboard: {shop.base}/dashboard\n" in shop.log
    dashboard.page.goto(shop.base)
    dashboard.page.get_by_role("link", name="Dashboard").click()
    expect(dashboard.page.get_by_role("navigation", name="Views")).to_be_visible()
    expect(dashboard.page.locator("#hub")).to_have_text("Shop")


def test_new_instances_appear_without_a_reload(
    dashboard: DashboardPage, shop: RunningHost, prefix: str
) -> None:
    page = dashboard.open(f"instances?prefix={prefix}")
    expect(page.get_by_text("No instance matches the filter")).to_be_visible()
    expect(page.locator("#live")).to_have_text("Live")
    links = shop.start("Approve", None, prefix + "a")
    line = page.get_by_role("row").filter(has_text=prefix + "a")
    expect(line).to_contain_text("Running")
    expect(line).to_contain_text("event Approval")
    shop.raise_event(links, "Approval", True)
    expect(line).to_contain_text("Completed")


def test_each_filter_narrows_the_list(
    dashboard: DashboardPage, shop: RunningHost, prefix: str
) -> None:
    shop.end(shop.start("Echo", 1, prefix + "echo"))
    shop.until(shop.start("Approve", None, prefix + "wait"), "Running")
    shop.end(shop.start("Failing", "x", prefix + "fail"))
    page = dashboard.open()
    page.get_by_role("searchbox", name="Search").fill(prefix)
    expect(page.locator(".count")).to_have_text("1-3 of 3")
    assert sorted(rows(page)) == [prefix + "echo", prefix + "fail", prefix + "wait"]
    expect(page.get_by_role("button", name=re.compile("^Failed 1$"))).to_be_visible()
    page.get_by_role("button", name=re.compile("^Failed")).click()
    expect(page.locator(".count")).to_have_text("1-1 of 1")
    page.get_by_role("button", name=re.compile("^Completed")).click()
    expect(page.locator(".count")).to_have_text("1-2 of 2")
    page.reload()  # the URL contains the filter
    expect(page.locator(".count")).to_have_text("1-2 of 2")
    page.get_by_role("combobox", name="Function").select_option("Failing")
    expect(page.locator(".count")).to_have_text("1-1 of 1")
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.get_by_role("button", name=re.compile("^Failed"))).to_have_attribute(
        "aria-pressed", "false"
    )
    page.get_by_role("searchbox", name="Search").fill(prefix)
    expect(page.locator(".count")).to_have_text("1-3 of 3")
    page.get_by_label("Waits for").select_option("event:Approval")
    expect(page.locator(".count")).to_have_text("1-1 of 1")
    page.get_by_label("Waits for").select_option("timer")
    expect(page.get_by_text("No instance matches the filter")).to_be_visible()
    page.get_by_label("Waits for").select_option("")
    page.get_by_role("button", name="Created in the last 1 h").click()
    expect(page.locator(".count")).to_have_text("1-3 of 3")
    page.get_by_label("Created to").fill("2020-01-01T00:00:00")
    expect(page.get_by_text("No instance matches the filter")).to_be_visible()
    page.locator(".notice").get_by_role("button", name="Clear the filter").click()
    expect(page.locator("table.list tbody tr").first).to_be_visible()


def test_the_view_by_cause_leads_from_many_failures_to_their_causes(
    dashboard: DashboardPage, shop: RunningHost, prefix: str
) -> None:
    for number in range(240):
        assert shop.post(f"{MANAGEMENT}/orchestrators/Bankrupt/{prefix}b{number}").status == 202
    for number in range(60):
        shop.start("Failing", number, f"{prefix}f{number}")
    page = dashboard.open(f"instances?status=Failed&prefix={prefix}")
    expect(page.locator(".count")).to_have_text("1-100 of 300")
    error = page.get_by_role("row").filter(has_text=re.compile(f"{prefix}f\\d")).first
    expect(error).to_contain_text(re.compile("Activity function 'Fail' failed: .*no stock of \\d"))
    page.get_by_role("button", name="By cause").click()
    expect(page.locator(".count")).to_have_text("300 failed instances, 2 causes")
    line = page.get_by_role("row").filter(has_text="no stock of")
    expect(line).to_contain_text("ValueError: no stock of …")
    expect(line.locator("td").first).to_have_text("60")
    expect(line.locator("time")).to_have_count(2)
    expect(line.get_by_role("link", name=re.compile(f"^{prefix}f\\d+$"))).to_be_visible()
    line.get_by_role("link", name="no stock of").click()
    expect(page.locator(".count")).to_have_text("1-60 of 60")
    expect(page.get_by_role("button", name=re.compile("^Cause: ValueError"))).to_be_visible()
    page.go_back()
    line = page.get_by_role("row").filter(has_text="no stock of")
    line.get_by_role("button", name=re.compile("^Purge")).click()
    expect(page.get_by_role("dialog", name="Purge 60 instances?")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("60 instances purged.")).to_be_visible()
    expect(page.locator(".count")).to_have_text("240 failed instances, 1 cause")


def test_the_search_finds_a_part_of_the_id_error_input_output_or_custom_status(
    dashboard: DashboardPage, shop: RunningHost, prefix: str
) -> None:
    shop.end(shop.start("Failing", "none", prefix + "fail"))
    shop.end(shop.start("Echo", f"{prefix}value", prefix + "echo"))
    page = dashboard.open()
    for text, id in (
        (f"{prefix[2:]}fai", "fail"),
        (f"{prefix[2:]}val", "echo"),
        ("no stock of none", "fail"),
    ):
        page.get_by_role("searchbox", name="Search").fill(text)
        expect(page.locator(".count")).to_have_text("1-1 of 1")
        expect(page.get_by_role("link", name=prefix + id)).to_be_visible()


@pytest.mark.parametrize("options", [{"timezone_id": "Asia/Tokyo"}], ids=["Tokyo"])
def test_the_url_has_the_chosen_columns_order_and_times(
    dashboard: DashboardPage, shop: RunningHost, prefix: str
) -> None:
    shop.end(shop.start("Echo", 1, prefix + "a"))
    page = dashboard.open(f"instances?prefix={prefix}")
    created = page.locator("td.c-created time")
    local = created.inner_text()
    page.locator(".menu > summary").click()
    page.get_by_label("Updated").uncheck()
    page.get_by_label("Executions").check()
    page.get_by_label("Sort by").select_option("name")
    page.get_by_label("Times").select_option("utc")
    expect(created).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$"))
    assert (int(created.inner_text()[11:13]) + 9) % 24 == int(local[11:13])
    page.keyboard.press("Escape")
    expect(page.get_by_label("Times")).to_be_hidden()
    page.evaluate("localStorage.clear()")
    page.reload()
    expect(created).to_contain_text("UTC")
    heads = ["", "Status", "Function▲", "Instance", "Created", "Duration"]
    expect(page.get_by_role("columnheader")).to_have_text([*heads, "Error or wait", "Executions"])
    page.locator(".menu > summary").click()
    page.get_by_label("Times").select_option("relative")
    expect(created).to_have_text(re.compile(r"^(now|.* (s|min) ago)$"))


def test_sub_orchestrations_fold_under_their_parents(
    dashboard: DashboardPage, shop: RunningHost, prefix: str
) -> None:
    parent, child = prefix + "parent", prefix + "parent-ship"
    links = shop.start("Order", {**ORDER, "id": prefix}, parent)
    shop.raise_event(links, "Approval", True)
    shop.end(links)
    page = dashboard.open()
    line = page.get_by_role("row").filter(has=page.get_by_role("link", name=parent, exact=True))
    expect(line).to_be_visible()
    expect(page.get_by_role("link", name=child)).to_have_count(0)
    line.get_by_role("button", name="1 sub-orchestration").click()
    expect(page.get_by_role("link", name=child)).to_be_visible()
    line.get_by_role("button", name="1 sub-orchestration").click()
    expect(page.get_by_role("link", name=child)).to_have_count(0)
    page.locator(".menu > summary").click()
    page.get_by_label("Fold sub-orchestrations").uncheck()
    expect(page.get_by_role("link", name=child)).to_be_visible()
    page.get_by_role("link", name=f"Sub-orchestrations of {parent}").click()
    expect(page.locator(".count")).to_have_text("1-1 of 1")
    assert list(rows(page)) == [child]
    page.get_by_role("button", name=f"Children of {parent}").click()
    expect(page.get_by_role("link", name=parent, exact=True)).to_be_visible()


def test_the_list_is_sorted_and_paged(
    dashboard: DashboardPage, shop: RunningHost, prefix: str
) -> None:
    for number in range(103):
        shop.post(f"{MANAGEMENT}/orchestrators/Echo/{prefix}{number:03}")
    page = dashboard.open(f"instances?prefix={prefix}")
    expect(page.locator(".count")).to_have_text("1-100 of 103")
    page.get_by_role("button", name="Instance").click()
    expect(page.get_by_role("columnheader", name="Instance")).to_have_attribute(
        "aria-sort", "ascending"
    )
    expect(page.locator("table.list tbody a.id").first).to_have_text(prefix + "000")
    page.reload()  # the URL contains the order
    expect(page.get_by_role("columnheader", name="Instance")).to_have_attribute(
        "aria-sort", "ascending"
    )
    expect(page.locator("table.list tbody a.id").first).to_have_text(prefix + "000")
    page.get_by_role("button", name="Instance").click()
    expect(page.locator("table.list tbody a.id").first).to_have_text(prefix + "102")
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".count")).to_have_text("101-103 of 103")
    assert sorted(rows(page)) == [f"{prefix}00{n}" for n in range(3)]
    page.reload()
    expect(page.locator(".count")).to_have_text("101-103 of 103")
    page.locator("body").press("p")
    expect(page.locator(".count")).to_have_text("1-100 of 103")
    page = dashboard.open(f"instances?prefix={prefix}&page=99")
    expect(page.locator(".count")).to_have_text("101-103 of 103")


def test_a_bulk_action_changes_all_selected_instances(
    dashboard: DashboardPage, shop: RunningHost, prefix: str
) -> None:
    for name in ("a", "b", "c"):
        shop.until(shop.start("Approve", None, prefix + name), "Running")
    shop.end(shop.start("Echo", 1, prefix + "d"))
    page = dashboard.open(f"instances?prefix={prefix}")
    expect(page.locator(".count")).to_have_text("1-4 of 4")
    page.get_by_role("checkbox", name="Select this page").check()
    page.get_by_role("group", name="Selected instances").get_by_role(
        "button", name="Terminate…"
    ).click()
    confirm = page.get_by_role("dialog", name="Terminate 3 instances?")
    expect(confirm).to_contain_text(
        "4 instances are selected. 1 of them cannot be terminated and is skipped."
    )
    confirm.get_by_label("Reason").fill("enough")
    confirm.get_by_role("button", name="Terminate 3 instances").click()
    expect(page.get_by_text("3 instances terminated.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Terminated 3$"))).to_be_visible()
    page.get_by_role("checkbox", name=f"Select {prefix}d").check()
    page.get_by_role("button", name="Restart…").click()
    page.get_by_role("button", name="Restart 1 instance").click()
    expect(page.get_by_text("1 instance restarted.")).to_be_visible()
    page.get_by_role("checkbox", name="Select this page").check()
    page.get_by_role("button", name="Purge…").click()
    expect(page.get_by_role("button", name="Purge 4 instances")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("No instance matches the filter")).to_be_visible()


@pytest.mark.parametrize("end", ["Stop", "Escape"])
def test_a_bulk_action_can_be_stopped(
    dashboard: DashboardPage, shop: RunningHost, prefix: str, end: str
) -> None:
    for number in range(9):
        shop.until(shop.start("Approve", None, f"{prefix}{number}"), "Running")
    page = dashboard.open(f"instances?prefix={prefix}")
    expect(page.locator(".count")).to_have_text("1-9 of 9")
    page.get_by_role("checkbox", name="Select this page").check()
    page.get_by_role("button", name="Terminate…").click()
    held: list[Route] = []
    page.route("**/terminate*", lambda route: held.append(route))

    def six_are_held() -> bool:
        page.wait_for_timeout(20)  # Playwright handles routes while it waits
        return len(held) == 6

    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Terminate 9 instances").click()
    eventually(six_are_held, "six requests are sent at once", SECONDS)
    if end == "Stop":
        dialog.get_by_role("button", name="Stop").click()
    else:
        page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    for route in held:
        route.continue_()
    expect(page.get_by_role("button", name=re.compile("^Terminated 6$"))).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Running 3$"))).to_be_visible()


def test_a_bulk_action_applies_to_all_instances_of_the_filter(
    dashboard: DashboardPage, shop: RunningHost, prefix: str
) -> None:
    for number in range(101):
        shop.post(f"{MANAGEMENT}/orchestrators/Echo/{prefix}{number:03}")
    page = dashboard.open(f"instances?prefix={prefix}&status=Completed")
    expect(page.locator(".count")).to_have_text("1-100 of 101")
    page.get_by_role("checkbox", name="Select this page").check()
    page.get_by_role("button", name="Select all 101").click()
    page.get_by_role("button", name="Purge…").click()
    page.get_by_role("button", name="Purge 101 instances").click()
    expect(page.get_by_text("No instance matches the filter")).to_be_visible()


def test_a_bar_of_the_histogram_filters_the_list(
    dashboard: DashboardPage, shop: RunningHost, prefix: str
) -> None:
    shop.end(shop.start("Echo", 1, prefix + "a"))
    page = dashboard.open(f"instances?prefix={prefix}")
    picture = page.get_by_role("img", name=re.compile("1 started, 1 completed"))
    expect(picture).to_be_visible()
    page.locator(".bar:has(.start[height='36'])").click()
    expect(page).to_have_url(re.compile("from=.*to="))
    expect(page.locator(".count")).to_have_text("1-1 of 1")


def test_an_id_with_html_is_shown_as_text(
    dashboard: DashboardPage, shop: RunningHost, prefix: str
) -> None:
    evil = prefix + "<img src=x onerror=alert(1)>"
    quoted = evil.replace(" ", "%20").replace("<", "%3C").replace(">", "%3E")
    assert shop.post(f"{MANAGEMENT}/orchestrators/Approve/{quoted}").status == 202
    page = dashboard.open(f"instances?prefix={prefix}")
    page.get_by_role("link", name=evil).click()
    expect(page.locator("code.id").first).to_have_text(evil)
    page.get_by_role("button", name="Terminate…").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("<b>bold</b>")
    page.get_by_role("dialog").get_by_role("button", name="Terminate").click()
    expect(page.get_by_text("<b>bold</b>").first).to_be_visible()
    expect(page.locator("main img")).to_have_count(0)
    expect(page.locator("main b", has_text="bold")).to_have_count(0)


@pytest.mark.parametrize("options", [{"timezone_id": "Asia/Tokyo"}], ids=["Tokyo"])
def test_times_are_local_with_utc_on_hover(
    dashboard: DashboardPage, shop: RunningHost, prefix: str
) -> None:
    shop.end(shop.start("Echo", 1, prefix + "a"))
    page = dashboard.open(f"instances?prefix={prefix}")
    created = page.locator("td.c-created time")
    expect(created).to_have_attribute(
        "title", re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC$")
    )
    utc, local = (created.get_attribute("title") or "")[11:13], created.inner_text()[11:13]
    assert (int(utc) + 9) % 24 == int(local)


def test_keyboard_shortcuts_move_between_views_and_pages(dashboard: DashboardPage) -> None:
    page = dashboard.open()
    expect(page.locator("#live")).to_have_text("Live")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.locator("#theme").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("2")
    expect(page.get_by_role("heading", name="Functions", level=1)).to_be_visible()


def test_the_list_recovers_after_a_host_that_did_not_respond(
    dashboard: DashboardPage, shop: RunningHost, prefix: str
) -> None:
    dashboard.expected = "Failed to load resource"
    shop.end(shop.start("Echo", 1, prefix + "a"))
    page = dashboard.page
    page.route("**/dashboard/api/**", lambda route: route.abort())
    dashboard.open(f"instances?prefix={prefix}")
    expect(page.get_by_role("alert")).to_contain_text("The host does not respond")
    expect(page.locator("#live")).to_have_text("Offline")
    page.unroute("**/dashboard/api/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".count")).to_have_text("1-1 of 1")


@pytest.mark.parametrize("view", ["functions", "entities", "instance/none"])
def test_other_views_recover_after_a_host_that_did_not_respond(
    dashboard: DashboardPage, view: str
) -> None:
    dashboard.expected = "Failed to load resource"
    page = dashboard.page
    page.route("**/dashboard/api/**", lambda route: route.abort())
    dashboard.open(view)
    expect(page.get_by_role("alert")).to_contain_text("The host does not respond")
    page.unroute("**/dashboard/api/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator("h1")).to_have_count(1)
