"""The READMEs and docs/: commands print the shown output, and snippets and links are valid."""

from __future__ import annotations

import ast
import configparser
import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from embedded_host.cli.commands import cli
from tests.docs.markdown import (
    CODES,
    PAGES,
    PROJECT,
    REPOSITORY,
    Block,
    anchors,
    blocks,
    inline_commands,
    links,
    name,
    paths,
)
from tests.docs.session import ShellSession, Step, split_comment, steps
from tests.support.running_host import RunningHost

NOT_RUN = {
    "pipx ": "installs packages; release.yml installs the wheel for each Python",
    "uv tool ": "installs packages; release.yml installs the wheel for each Python",
    "pip ": "installs packages; tests/test_wheel.py builds the package and installs it",
    "python -m venv ": "creates an environment; tests/cli/test_init.py runs the tests of new apps",
    ". .venv": "activates that environment",
    "npm ": "installs Core Tools and Azurite, which are not among this project's tools",
    "azurite ": "Azurite is not among this project's tools",
    "func ": "Core Tools are not among this project's tools",
    'languageWorkers__python__arguments="-m debugpy': "starts Core Tools",
    "python -m debugpy ": "debugpy is not among this project's tools",
    "python dev.py ": "runs these tests",
    "python benchmarks/": "takes minutes",
    "python -m tests.": "takes minutes; tests/crash and tests/functions_host have tests of it",
    "docker ": "needs a Docker engine; tests/container runs the same commands",
    "env CONTAINER_TESTS=": "needs a Docker engine; CI runs it",
    "azd ": "needs an Azure subscription",
    "echo 'eval ": "changes the shell profile; tests/cli/test_completion.py runs the command",
    "embedded-host export --url http://localhost:7071 --id ID": "ID is the reader's",
    "export EMBEDDED_HOST_SCHEDULER_TOKEN": "the token is the reader's",
    "embedded-host scheduler --address": "needs that token; tests/cli/test_scheduler.py has a test",
}
"""The reason why this module does not run a command, by the first characters of the command."""

NEW_APP = (
    "how-to/coming-from-temporal-dbos-restate.md",
    "how-to/install.md",
    "how-to/coming-from-func.md",
    "how-to/debugging.md",
)
"""Pages whose commands run in the app that `embedded-host init shop` creates."""
WAITING_ORDER = (
    "how-to/metrics.md",
    "how-to/troubleshooting-stuck-instances.md",
    "reference/errors.md",
)
"""Pages whose commands use the app of COMMANDS, with an order that waits for an event."""
COMMANDS = PROJECT / "docs" / "reference" / "cli.md"
PROGRAMS = {
    ".",
    "azd",
    "azurite",
    "cd",
    "curl",
    "docker",
    "echo",
    "embedded-host",
    "env",
    "func",
    "mkdir",
    "npm",
    "pip",
    "pipx",
    "python",
    "uv",
}

pytestmark = pytest.mark.xdist_group("docs")


def is_not_run(command: str) -> bool:
    return any(command.startswith(prefix) for prefix in NOT_RUN)


def kind(block: Block) -> str:
    """Return ``session``, ``commands`` or ``output`` for an indented block."""
    if any(line.startswith("$ ") for line in block.lines):
        return "session"
    heads = [line.split()[0] for line in block.lines if line.strip()]
    known = all(head in PROGRAMS or head.startswith("languageWorkers__") for head in heads)
    return "commands" if known else "output"


def commands(page: Path) -> list[str]:
    found: list[str] = []
    for block in blocks(page):
        if not block.language and kind(block) == "session":
            found += [step.command for step in steps(block.lines)]
        elif not block.language:
            found += [line.strip() for line in block.lines]
    return found


# -- links -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [*PAGES, CODES], ids=name)
def test_links_resolve(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"https?:", link):
            continue
        file, _, anchor = link.partition("#")
        where = (page.parent / file).resolve() if file else page
        if not where.exists() or (anchor and anchor not in anchors(where)):
            broken.append(link)
    assert not broken, f"{name(page)}: broken links: {broken}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_named_files_exist(page: Path) -> None:
    roots = (
        PROJECT,
        REPOSITORY,
        PROJECT / "src" / "embedded_host",
        PROJECT / "src",
        page.parent,
    )
    gone = [path for path in paths(page) if not any(list(root.glob(path)) for root in roots)]
    assert not gone, f"{name(page)} names files that do not exist: {gone}"


def test_the_readme_links_each_page() -> None:
    readme = PROJECT / "README.md"
    linked = {(PROJECT / link.partition("#")[0]).resolve() for link in links(readme)}
    generated = PROJECT / "docs" / "reference"
    index = PROJECT / "docs" / "index.md"
    missing = [
        name(page)
        for page in PAGES
        if PROJECT / "docs" in page.parents
        and generated not in page.parents
        and page not in (index, *linked)
    ]
    assert not missing, f"add these to the tables of embedded-host/README.md: {missing}"


# -- snippets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_snippets_are_valid(page: Path) -> None:
    for block in blocks(page):
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "python":
            ast.parse(block.text)
        elif block.language == "ini":
            configparser.ConfigParser().read_string(block.text)
        else:
            assert block.language in ("", "text"), (
                f"{name(page)}:{block.line}: blocks of '{block.language}' are not tested. Indent "
                "commands and their output by four spaces; fence Python, JSON and INI."
            )


@pytest.mark.parametrize("page", [*PAGES, CODES], ids=name)
def test_inline_commands_have_valid_options(page: Path) -> None:
    wrong = [
        f"`{text}`: {why}"
        for text in inline_commands(page)
        if (why := unknown_part(shlex.split(text)[1:]))
    ]
    assert not wrong, f"{name(page)} names commands or options that do not exist: {wrong}"


def unknown_part(words: list[str]) -> str:
    """Return the unknown command or options of a command line.

    Words in capitals are placeholders.
    """
    command: click.Command = cli
    with click.Context(command) as context:
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            if re.fullmatch("[A-Z]+", words[0]):
                return ""
            found = command.get_command(context, words[0])
            if found is None:
                return "no such command"
            words.pop(0)
            command = found
    options = {option for parameter in command.params for option in parameter.opts}
    options |= {"--help", "-h", "--version"}
    return ", ".join(word for word in words if re.match("--?[a-z]", word) and word not in options)


# -- commands --------------------------------------------------------------------------------------


def test_each_exception_is_in_use() -> None:
    shown = [command for page in PAGES for command in commands(page)]
    unused = [prefix for prefix in NOT_RUN if not any(c.startswith(prefix) for c in shown)]
    assert not unused, f"no page shows these commands, remove them from NOT_RUN: {unused}"


def test_the_testing_page_begins_in_an_empty_folder(session: ShellSession) -> None:
    page = PROJECT / "docs" / "how-to" / "testing.md"
    prepare(name(page), session, pytest.fail)
    assert not list(session.folder.iterdir())
    assert session.run(next(c for c in commands(page) if not is_not_run(c)))[0] == 0
    assert {file.name for file in session.folder.iterdir()} == {"shop"}


@pytest.fixture(scope="module")
def shop_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], RunningHost]]:
    """Yield a function that returns the host of the pages in WAITING_ORDER.

    The first call starts the host.
    """
    own = ShellSession(tmp_path_factory.mktemp("shared"))

    def host() -> RunningHost:
        if own.host is None:
            assert own.run("embedded-host init shop")[0] == 0
            own.folder /= "shop"
            for block in filter(lambda block: block.file, blocks(COMMANDS)):
                own.write(block.file, block.lines)
            own.start(own.folder)
            assert own.run("embedded-host start-new --function-name order --id order-7")[0] == 0
        assert own.host is not None
        return own.host

    yield host
    own.close()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[ShellSession]:
    session = ShellSession(tmp_path)
    yield session
    session.close()


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(not block.language for block in blocks(page))], ids=name
)
def test_commands_print_the_shown_output(
    page: Path, session: ShellSession, shop_host: Callable[[], RunningHost]
) -> None:
    prepare(name(page), session, shop_host)
    later: list[tuple[Block, str]] = []
    for block in blocks(page):
        where = f"{name(page)}:{block.line}"
        if block.file:
            session.write(block.file, block.lines)
        elif block.language:
            continue
        elif kind(block) == "session":
            for step in steps(block.lines):
                take(session, step, where)
        elif kind(block) == "commands":
            for line in filter(str.strip, block.lines):
                take(session, Step(*split_comment(line), ()), where)
        elif block.lines[0].startswith("["):  # the host's log, before the page continues
            check_output(session, block, where)
        else:
            later.append((block, where))
    for block, where in later:
        check_output(session, block, where)


def check_output(session: ShellSession, block: Block, where: str) -> None:
    missing = session.missing(block.lines)
    assert not missing, (
        f"{where}: no command printed this output, or it is an unknown command:\n{missing}"
    )


def take(session: ShellSession, step: Step, where: str) -> None:
    if is_not_run(step.command):
        return
    try:
        session.take(step)
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from None


def prepare(page: str, session: ShellSession, host: Callable[[], RunningHost]) -> None:
    if page in WAITING_ORDER:
        session.borrow(host())
    elif page in NEW_APP:
        assert session.run("embedded-host init shop")[0] == 0
        session.folder /= "shop"
