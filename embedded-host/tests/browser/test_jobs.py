"""The jobs of a person with 20,000 instances, each from the list of instances to the result."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import APPEARANCES, OPPOSITE_APPEARANCES, DashboardPage
from tests.browser.jobs_app import CAUSES, FAILURES, FINISHED, fill, jobs_app
from tests.support.polling import eventually
from tests.support.running_host import RunningHost

LIMIT = 10.0
"""Maximum seconds of a job. An idle machine needs about one second."""
SCREENSHOTS = os.environ.get("BROWSER_SCREENSHOTS")
"""The folder of the screenshots that each job takes at its end; none by default."""
COUNT_CLICKS = "window.clicks = 0; addEventListener('click', () => { clicks++ }, true)"

in_all_appearances = pytest.mark.parametrize("options", APPEARANCES.values(), ids=APPEARANCES)
in_opposite_appearances = pytest.mark.parametrize(
    "options", OPPOSITE_APPEARANCES.values(), ids=OPPOSITE_APPEARANCES
)


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of the file that makes the activities of ``CAUSES`` fail."""
    return tmp_path_factory.mktemp("outage") / "outage"


@pytest.fixture(scope="module")
def jobs(
    tmp_path_factory: pytest.TempPathFactory, browser_path: str, outage: Path
) -> Iterator[RunningHost]:
    folder = tmp_path_factory.mktemp("jobs")
    fill(folder / "state")
    with RunningHost(jobs_app(folder / "app", outage).root, folder / "state") as host:
        host.start("Stocktaking", None, "stock")
        host.raise_event(host.start("Approve", None, "approve"), "Approvals", True)
        # The log omits calls of a second with many. Therefore "pack" runs before "pick".
        host.end(host.start("Pack", None, "pack"))
        host.end(host.start("PickAll", None, "pick"))
        yield host
        assert host.stop() == 0, host.log


@pytest.fixture
def shop(jobs: RunningHost) -> RunningHost:
    """Replace the host of the fixture ``dashboard``."""
    return jobs


class Job:
    """A job, from the opened list of instances to its end."""

    def __init__(self, dashboard: DashboardPage) -> None:
        self.dashboard = dashboard
        dashboard.page.add_init_script(COUNT_CLICKS)
        self._began = time.monotonic()
        self.page: Page = dashboard.open()
        expect(self.page.locator(".count")).to_have_text(re.compile(r"1-100 of 20,\d\d\d"))

    def check_effort(self, part: str, clicks: int) -> None:
        """Assert that the job took ``clicks`` clicks until now, and not more than ``LIMIT``.

        Print the seconds and clicks. The option ``-rP`` of pytest shows them.
        """
        seconds = time.monotonic() - self._began
        print(f"{part}: {seconds:.1f} s, {clicks} clicks")
        assert self.page.evaluate("clicks") == clicks
        assert seconds < LIMIT

    def check_appearance(self, name: str) -> None:
        """Check the appearance of the page, and take the screenshot."""
        if SCREENSHOTS:
            is_dark, width = self.page.evaluate(
                "[matchMedia('(prefers-color-scheme: dark)').matches, innerWidth]"
            )
            file = f"jobs-{name}-{'dark' if is_dark else 'light'}-{width}.png"
            self.page.screenshot(path=Path(SCREENSHOTS) / file)
        self.dashboard.check_appearance()


@pytest.fixture
def job(dashboard: DashboardPage) -> Job:
    return Job(dashboard)


def count(host: RunningHost, **filter: str) -> int:
    """Return the number of instances that match a filter of the dashboard's API."""
    query = urlencode({**filter, "counts": "true", "limit": 1})
    counts: dict[str, int] = host.get(f"/dashboard/api/instances?{query}").json["counts"]
    chosen = filter.get("status")
    return sum(n for status, n in counts.items() if chosen in (None, status))


def opened(page: Page, id: str) -> None:
    page.get_by_role("link", name=id, exact=True).click()
    expect(page.locator("code.id").first).to_have_text(id)


@pytest.fixture
def failed(jobs: RunningHost, outage: Path) -> Iterator[str]:
    """Let instances fail for the reasons of ``CAUSES``, and return the prefix of their ids."""
    prefix = uuid4().hex[:8] + "-"
    outage.touch()
    number = 0
    for step, (times, _) in CAUSES.items():
        for _ in range(times):
            number += 1
            jobs.start("Deliver", {"step": step, "number": number}, f"{prefix}{number}")
    eventually(lambda: count(jobs, status="Failed", prefix=prefix) == FAILURES, "all have failed")
    yield prefix
    after: dict[str, str] | None = {}
    while after is not None:
        query = urlencode({"action": "purge", "prefix": prefix, **after})
        after = jobs.post(f"/dashboard/api/bulk?{query}").json["next"]


@in_opposite_appearances
def test_the_causes_of_300_failures_are_found_and_one_is_rewound(
    jobs: RunningHost, failed: str, outage: Path, job: Job
) -> None:
    page = job.page
    page.get_by_role("button", name="By cause").click()
    # The instance "pick" has failed too.
    expect(page.locator(".count")).to_have_text(f"{FAILURES + 1} failed instances, 4 causes")
    for times, message in CAUSES.values():
        line = page.get_by_role("row").filter(has_text=message)
        expect(line.locator("td").first).to_have_text(str(times))
        expect(line).to_be_in_viewport()
    job.check_effort("the causes", clicks=1)
    job.check_appearance("causes")

    outage.unlink()
    times, message = CAUSES["Charge"]
    rewind = page.get_by_role("button", name=f"Rewind: {message.partition(':')[0]}")
    rewind.click()
    dialog = page.get_by_role("dialog", name=f"Rewind {times} instances?")
    expect(dialog).to_contain_text(message)
    job.check_appearance("rewind")
    dialog.get_by_role("button", name=f"Rewind {times} instances").click()
    expect(page.get_by_text(f"{times} instances rewound.")).to_be_visible()
    assert page.evaluate("clicks") == 3
    expect(page.locator(".count")).to_have_text(
        f"{FAILURES + 1 - times} failed instances, 3 causes"
    )
    eventually(lambda: count(jobs, status="Completed", prefix=failed) == times, "all completed")
    job.check_appearance("rewound")


@in_all_appearances
def test_the_failed_steps_among_200_are_found(job: Job, options: dict[str, object]) -> None:
    page = job.page
    opened(page, "pick")
    timeline = page.get_by_role("group", name="Timeline")
    group = timeline.locator(".g-row.group")
    expect(group).to_contain_text("Pick \N{MULTIPLICATION SIGN} 200")
    expect(group).to_contain_text("198 ok, 2 failed")
    steps = timeline.locator(".g-row.inside")
    expect(steps).to_have_count(2)
    for step, item in zip(steps.all(), ("57", "133"), strict=True):
        expect(step.locator(".g-label")).to_contain_text(f"Pick · 3 attempts {item}")
    expect(steps.first).to_be_in_viewport()
    job.check_effort("the failed steps", clicks=1)
    steps.first.locator("summary").click()
    expect(steps.first.get_by_label("Attempts").locator("li")).to_have_count(3)
    expect(steps.first).to_contain_text("ValueError: no stock of item 57")
    job.check_effort("the error of a step", clicks=2)
    job.check_appearance("fan-out")


def diagnosis(page: Page) -> Locator:
    return page.get_by_role("region", name="Diagnosis")


@in_all_appearances
def test_the_leaf_that_a_tree_waits_for_is_found(job: Job, options: dict[str, object]) -> None:
    page = job.page
    opened(page, "stock")
    leaf = diagnosis(page).get_by_text("Root cause: stock > west > :7 waits for the external event")
    expect(leaf).to_contain_text("'StockCounted' since")
    expect(leaf).to_be_in_viewport()
    job.check_effort("the leaf", clicks=1)
    page.get_by_role("tab", name="Tree").click()
    last = page.get_by_role("tabpanel", name="Tree").locator("li li li")
    expect(last).to_contain_text("Shelf stock:west:7")
    expect(last).to_contain_text("waits for the external event 'StockCounted' since")
    expect(last.locator("time")).to_be_visible()
    job.check_effort("the tree", clicks=2)
    job.check_appearance("tree")


@in_all_appearances
def test_the_misspelled_name_of_an_event_is_found(job: Job, options: dict[str, object]) -> None:
    opened(job.page, "approve")
    text = diagnosis(job.page).get_by_text("The event Approvals was received")
    expect(text).to_contain_text("but nothing waits for it. Did you mean Approval?")
    expect(text).to_be_in_viewport()
    job.check_effort("the misspelled name", clicks=1)
    job.check_appearance("did-you-mean")


@in_all_appearances
def test_the_log_lines_of_an_instance_are_found(job: Job, options: dict[str, object]) -> None:
    page = job.page
    opened(page, "pack")
    page.get_by_role("tab", name="Logs").click()
    lines = page.get_by_label("Log lines").locator("li")
    expect(lines.filter(has_text="wrapping the vase")).to_contain_text("Information Wrap")
    expect(lines.filter(has_text="the vase is fragile")).to_contain_text("Warning Wrap")
    expect(lines.filter(has_text="Executed 'Functions.Wrap'")).to_have_count(1)
    expect(lines.filter(has_text="Pick")).to_have_count(0)
    job.check_effort("the log lines", clicks=2)
    job.check_appearance("logs")


@in_all_appearances
def test_one_of_20_000_instances_is_found_by_a_part_of_its_input(
    job: Job, options: dict[str, object]
) -> None:
    page = job.page
    number = f"{FINISHED - 1234:05}"
    page.get_by_role("searchbox", name="Search").fill(f"A-{number}")
    expect(page.locator(".count")).to_have_text("1-1 of 1")
    expect(page.get_by_role("link", name=f"order-{number}")).to_be_in_viewport()
    job.check_effort("the instance", clicks=0)
    job.check_appearance("search")


@pytest.fixture(scope="module")
def reloaded(jobs: RunningHost) -> None:
    """Break a function, and wait until its reload has failed."""
    (jobs.root / "Wrap" / "__init__.py").write_text("\ndef main(value:\n", encoding="utf-8")
    report = "/dashboard/api/host"
    eventually(lambda: jobs.get(report).json["failedReload"], "the reload has failed")


@in_all_appearances
def test_a_failed_reload_is_found(reloaded: None, job: Job, options: dict[str, object]) -> None:
    page = job.page
    banner = page.get_by_role("alert")
    expect(banner).to_contain_text("The reload failed. The host still runs the code of")
    expect(banner).to_contain_text("Wrap/__init__.py")
    expect(banner).to_be_in_viewport()
    job.check_effort("the failed reload", clicks=0)
    banner.get_by_role("link", name="Details").click()
    expect(page.get_by_role("region", name="Code", exact=True)).to_contain_text("Failed reload")
    problems = page.get_by_role("region", name="Problems of the changed code")
    expect(problems).to_contain_text("line 2: def main(value:")
    expect(problems).to_be_in_viewport()
    job.check_effort("its problems", clicks=1)
    job.check_appearance("reload")
