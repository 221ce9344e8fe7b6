"""Names, ids, inputs, outputs, errors and events with markup and code are shown as text."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DashboardPage
from tests.support.app_folder import AppFolder
from tests.support.running_host import MANAGEMENT, RunningHost

IMG = '<img src=x onerror="pwned=1">'
SCRIPT = "</pre></script><script>pwned=1</script>"
SVG = "\"'><svg onload=pwned=1><a href=javascript:pwned=1>x</a>"
FRAME = '<iframe srcdoc="<script>parent.pwned=1</script>"></iframe>'
ALL = [IMG, SCRIPT, SVG, FRAME]
KEY = SVG.replace("/", "")
"""An entity key in the path of a URL cannot contain a slash."""
ID = f"i-{KEY}${{pwned}}"
NOTHING_PARSED = """() => [
    window.pwned,
    document.querySelectorAll(
        "main :is(img, script, iframe, object, embed, base, style, link, form), " +
        "dialog :is(img, iframe)"
    ).length,
    [...document.querySelectorAll("main *, dialog *")].filter(
        (node) => [...node.attributes].some((attribute) => attribute.name.startsWith("on"))
    ).length,
    document.querySelectorAll("a[href^=javascript]").length,
]"""

BIDIRECTIONAL_CONTROLS = r"""() => [document.title, document.documentElement.textContent,
    ...[...document.querySelectorAll("*")].flatMap((node) => [node.title, node.ariaLabel]),
].filter((text) => /\p{Bidi_Control}/u.test(text || ""))"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, browser_path: str) -> Iterator[RunningHost]:
    folder = tmp_path_factory.mktemp("hostile")
    app = AppFolder(folder / "app", hub="Hostile")
    app.starter()
    app.activity("Echo", "return value")
    app.activity("Fail", "raise ValueError(value)")
    app.orchestrator(
        "Waits",
        f"""
        context.set_custom_status({{{IMG!r}: {ALL!r}}})
        yield context.call_activity("Echo", {ALL!r})
        yield context.wait_for_external_event({IMG!r})
        return {ALL!r}
        """,
    )
    app.orchestrator("Fails", 'yield context.call_activity("Fail", "".join(context.get_input()))')
    app.orchestrator(
        "Parent", f"yield context.call_sub_orchestrator('Waits', {ALL!r}, {ID + '-child'!r})"
    )
    app.function(
        "Thing",
        f"""
import azure.durable_functions as df


def entity_function(context):
    context.set_state({{{SVG!r}: {ALL!r}}})


main = df.Entity.create(entity_function)
""",
        {"name": "context", "type": "entityTrigger", "direction": "in"},
    )
    app.function(
        "Broken",
        f"raise RuntimeError({IMG!r})\n\n\ndef main(value): ...",
        {"name": "value", "type": "activityTrigger", "direction": "in"},
    )
    with RunningHost(app.root, folder / "state") as host:
        for name, id in (("Waits", ID), ("Fails", ID + "-failed"), ("Parent", ID + "-parent")):
            assert host.post(f"/api/start/{name}/{quote(id)}", ALL).status == 202
        host.end({"statusQueryGetUri": f"{MANAGEMENT}/instances/{quote(ID + '-failed')}?x=1"})
        assert host.post(f"{MANAGEMENT}/entities/Thing/{quote(KEY)}?op=set", '"1"').status == 202
        yield host
        assert host.stop() == 0, host.log


@pytest.fixture
def shop(hostile: RunningHost) -> RunningHost:
    """Replace the host of the fixture ``dashboard``."""
    return hostile


def assert_nothing_parsed(page: Page) -> None:
    """Assert that the page created no element from a value of the app."""
    assert page.evaluate(NOTHING_PARSED) == [None, 0, 0, 0]


def test_html_in_the_lists_is_shown_as_text(dashboard: DashboardPage) -> None:
    page = dashboard.open("instances?waiting=" + quote("event:" + IMG))
    expect(page.get_by_role("link", name=ID, exact=True)).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=ID).first).to_contain_text("event " + IMG)
    expect(page.get_by_label("Waits for").locator("option:checked")).to_have_text(IMG)
    assert_nothing_parsed(page)
    page = dashboard.open("instances?search=" + quote("none " + FRAME))
    expect(page.get_by_text("No instance matches the filter")).to_be_visible()
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("none " + FRAME)
    assert_nothing_parsed(page)
    page = dashboard.open("entities")
    line = page.get_by_role("row").filter(has_text=KEY)
    line.locator("summary").click()
    expect(line.get_by_label("State", exact=True)).to_contain_text("pwned")
    assert_nothing_parsed(page)
    line.get_by_role("button", name="Signal").click()
    expect(page.get_by_role("dialog").get_by_label("Key")).to_have_value(KEY)
    assert_nothing_parsed(page)


def test_html_in_an_instance_is_shown_as_text_in_every_view(dashboard: DashboardPage) -> None:
    page = dashboard.open(f"instance/{quote(ID, safe='')}")
    expect(page.locator("code.id")).to_have_text(ID)
    expect(page.get_by_role("region", name="Diagnosis")).to_contain_text(IMG)
    expect(page.locator(".panel", has_text="Input")).to_contain_text("<iframe")
    expect(page.locator(".panel", has_text="Custom status")).to_contain_text("</script>")
    page.locator(".g-row", has_text="Echo").locator("summary").click()
    expect(page.locator(".g-detail").get_by_label("Result")).to_contain_text("<iframe")
    assert_nothing_parsed(page)
    page.get_by_role("tab", name="Sequence").click()
    expect(page.locator(".sequence svg")).to_be_visible()
    assert (
        page.evaluate(
            "document.querySelectorAll('.sequence :is(a, script, image, foreignObject)').length"
        )
        == 0
    )
    page.get_by_role("tab", name="History").click()
    for opener in page.get_by_role("button", name="JSON of event").all():
        opener.click()
    expect(page.locator("tr.raw").first).to_contain_text("<script>")
    assert_nothing_parsed(page)
    page.get_by_role("button", name="Raise event…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Event name")).to_have_value(IMG)
    dialog.get_by_label("Data (JSON)").fill("<script>")
    expect(dialog.locator(".under .problem")).to_contain_text("Invalid JSON")
    assert_nothing_parsed(page)


def test_html_in_errors_parents_and_functions_is_shown_as_text(dashboard: DashboardPage) -> None:
    page = dashboard.open(f"instance/{quote(ID + '-failed', safe='')}")
    expect(page.locator(".panel.bad .error-text")).to_contain_text("ValueError: " + IMG)
    expect(page.locator(".panel.bad").get_by_label("Traceback")).to_contain_text(
        "raise ValueError(value)"
    )
    assert_nothing_parsed(page)
    page = dashboard.open(f"instance/{quote(ID + '-parent', safe='')}")
    page.locator(".gantt").get_by_role("link", name=f"Open {ID}-child").click()
    expect(page.locator(".facts").get_by_role("link", name=ID + "-parent")).to_be_visible()
    assert_nothing_parsed(page)
    page = dashboard.open("functions")
    expect(page.get_by_role("article", name="Broken").locator(".problem")).to_contain_text(IMG)
    page.get_by_role("article", name="Waits").get_by_role("button", name="Start…").click()
    expect(page.get_by_role("dialog").get_by_label("Input (JSON)")).to_have_value(
        json.dumps(ALL, indent=2)
    )
    assert_nothing_parsed(page)
    dashboard.expected = "404"
    page = dashboard.open("instance/" + quote(IMG, safe=""))
    expect(page.locator(".notice")).to_contain_text(IMG)
    assert_nothing_parsed(page)


def test_bidirectional_control_characters_are_visible_in_every_view(
    dashboard: DashboardPage, hostile: RunningHost
) -> None:
    """Without an escape, the digits after the character U+202E would be reversed."""
    id = "bidi-\u202e123"
    path = f"{MANAGEMENT}/orchestrators/Fails/{quote(id)}"
    assert hostile.post(path, ["boom \u202e\u2066"]).status == 202
    hostile.end({"statusQueryGetUri": f"{MANAGEMENT}/instances/{quote(id)}?x=1"})
    shown = id.replace("\u202e", r"\u202e")
    views = {
        "instances?prefix=bidi": "tr .error",
        "instances?view=causes&prefix=bidi": "tr .c-error",
        f"instance/{quote(id, safe='')}": ".panel.bad .error-text",
        f"instance/{quote(id, safe='')}?tab=history": "tr.event",
        f"instance/{quote(id, safe='')}?tab=sequence": ".sequence svg",
    }
    for view, selector in views.items():
        page = dashboard.open(view)
        expect(page.locator(selector).first).to_be_visible()
        expect(page.get_by_text(shown).first).to_be_visible()
        assert page.evaluate(BIDIRECTIONAL_CONTROLS) == [], view
    page.get_by_role("button", name="Restart…").click()
    page.get_by_role("dialog").get_by_text("curl", exact=True).click()
    assert page.evaluate(BIDIRECTIONAL_CONTROLS) == []


needs_a_shell = pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl"
)


@needs_a_shell
def test_no_id_ends_the_list_of_ids_in_the_curl_of_a_bulk_action(
    dashboard: DashboardPage, tmp_path: Path
) -> None:
    """If an id ended the list, a shell would run the text after it as a command."""
    page = dashboard.open()
    script = (
        "(ids) => import('/dashboard/api.js').then((api) => api.curlLoop('terminate', ids, ''))"
    )
    command = page.evaluate(script, ["IDS", "EOF", "@", "no-such-command"])
    ran = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert "command not found" not in ran.stderr


@needs_a_shell
def test_the_curl_command_of_a_bulk_action_performs_it(
    dashboard: DashboardPage, hostile: RunningHost, tmp_path: Path
) -> None:
    """The ids and the reason contain characters that a shell interprets."""
    ids = [
        f"bulk {text}"
        for text in ("a'b", "$(touch pwned)", "`touch pwned`", '"q" \\ %41', "ü&x=1#y?z")
    ]
    for id in ids:
        assert hostile.post(f"{MANAGEMENT}/orchestrators/Waits/{quote(id)}").status == 202
    page = dashboard.open("instances?prefix=bulk")
    expect(page.locator(".count")).to_have_text("1-5 of 5")
    page.get_by_role("checkbox", name="Select this page").check()
    page.get_by_role("button", name="Terminate…").click()
    dialog = page.get_by_role("dialog", name="Terminate 5 instances?")
    dialog.get_by_text("curl", exact=True).click()
    dialog.get_by_label("Reason").fill('late\'s $(touch pwned) `touch pwned` "x" !! \\')
    command = dialog.get_by_label("curl command", exact=True)
    expect(command).to_contain_text("reason=late")
    ran = subprocess.run(
        ["bash", "-c", command.inner_text()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert list(tmp_path.iterdir()) == []
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name=re.compile("^Terminated 5$"))).to_be_visible()
    page.get_by_role("link", name="bulk a'b").click()
    expect(page.locator(".panel", has_text="Reason")).to_contain_text(
        'late\'s $(touch pwned) `touch pwned` "x" !! \\'
    )
