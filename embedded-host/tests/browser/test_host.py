"""The page of the host, and the banner of a failed reload."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import OPPOSITE_APPEARANCES, DashboardPage
from tests.support.running_host import RunningHost

FAILED = {
    "time": "2026-11-30T12:05:00Z",
    "problems": ["function_app.py line 7: def f(:\n    SyntaxError: invalid syntax. [EH310]"],
    "summary": "function_app.py line 7: def f(: SyntaxError: invalid syntax. [EH310]",
    "text": "",
}


@pytest.mark.parametrize("options", OPPOSITE_APPEARANCES.values(), ids=OPPOSITE_APPEARANCES)
def test_the_host_is_described_and_a_failed_reload_has_a_banner(
    dashboard: DashboardPage, shop: RunningHost, options: dict[str, object]
) -> None:
    # The host is shared, so the response of this page is changed instead of the code.
    report = {
        **shop.get("/dashboard/api/host").json,
        "failedReload": FAILED,
        "activities": {"running": 4, "queued": 1181, "limit": 4},
        "warnings": ["host.json: keys without effect: aggregator"],
    }

    def respond(route: Route) -> None:
        route.fulfill(json=report)

    page = dashboard.page
    page.route("**/dashboard/api/host", respond)
    dashboard.open("host")
    work = page.get_by_role("region", name="Work", exact=True)
    expect(work).to_contain_text("4 running, 1,181 queued")
    pid = report["workerProcesses"][0]["pid"]
    expect(page.get_by_role("region", name="Workers")).to_contain_text(f"Process {pid}")
    expect(page.get_by_role("region", name="Warnings")).to_contain_text("aggregator")
    banner = page.get_by_role("alert")
    expect(banner).to_contain_text("The reload failed. The host still runs the code of")
    expect(banner).to_contain_text("function_app.py line 7")
    dashboard.check_appearance()
    page.goto(f"{dashboard.base}/dashboard#/instances")
    expect(banner).to_contain_text("The reload failed.")
    report["failedReload"] = None
    expect(banner).to_have_count(0)
