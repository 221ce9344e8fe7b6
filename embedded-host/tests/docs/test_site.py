"""mkdocs.yml and mkdocs_hooks.py. `python dev.py check` also builds the site, in strict mode."""

from __future__ import annotations

import re

import click
import pytest

import mkdocs_hooks
from embedded_host.cli.commands import cli
from tests.docs.markdown import CODES, ERRORS_PAGE, PAGES, PROJECT

CONFIGURATION = (PROJECT / "mkdocs.yml").read_text(encoding="utf-8")
COMMANDS = PROJECT / "docs" / "reference" / "commands.md"


def test_the_navigation_has_every_page() -> None:
    linked = re.findall(r"^ +- .*: (\S+\.md)$", CONFIGURATION, re.MULTILINE)
    pages = (PROJECT / "docs").rglob("*.md")
    assert sorted(linked) == sorted(p.relative_to(PROJECT / "docs").as_posix() for p in pages)


def test_the_build_fails_for_a_wrong_link_or_anchor() -> None:
    assert "\nstrict: true\n" in CONFIGURATION
    assert "links: { not_found: warn, anchors: warn" in CONFIGURATION


def test_the_site_loads_no_fonts_and_no_diagrams_from_the_network() -> None:
    assert "\n  font: false " in CONFIGURATION
    # Material for MkDocs loads Mermaid from a CDN when a page has such a diagram.
    assert not [page for page in PAGES if "```mermaid" in page.read_text(encoding="utf-8")]


def test_the_page_of_error_codes_includes_the_list_from_its_first_section_on() -> None:
    (start,) = re.findall(r'errors\.md:(\d+):"', ERRORS_PAGE.read_text(encoding="utf-8"))
    lines = CODES.read_text(encoding="utf-8").splitlines()
    sections = [number for number, line in enumerate(lines, 1) if line.startswith("## ")]
    assert int(start) == sections[0]


def commands(group: click.Group, path: str) -> list[str]:
    found = [path]
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                found += commands(command, f"{path} {name}")
            else:
                found.append(f"{path} {name}")
    return found


def test_the_page_of_the_commands_has_a_section_for_each_command() -> None:
    page = mkdocs_hooks.on_page_markdown(COMMANDS.read_text(encoding="utf-8"), page=None)
    assert re.findall("^## (.*)$", page, re.MULTILINE) == commands(cli, "embedded-host")
    assert "| `--script-root DIR` |" in page
    assert page.count("Exit codes: ") == 1


@pytest.mark.parametrize(
    ("text", "shown"), [("a_b *c*", r"a\_b \*c\*"), ("<id> | [x]", r"&lt;id&gt; \| \[x\]")]
)
def test_help_texts_are_shown_as_they_are(text: str, shown: str) -> None:
    assert mkdocs_hooks.escape(text) == shown
