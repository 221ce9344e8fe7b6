"""The README and docs/: every command runs and prints what the page shows, every snippet is sound, every link leads somewhere."""

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
    LISTS,
    PAGES,
    PROJECT,
    Block,
    anchors,
    blocks,
    inline_commands,
    links,
    paths,
)
from tests.docs.session import ShellSession, Step, split_comment, steps
from tests.support.running_host import RunningHost

NOT_RUN = {
    "pip install ": "dev.py creates the tests' environment; tests/test_wheel.py builds the package",
    "azurite ": "a server of Microsoft's that is not among this project's tools",
    "func ": "Core Tools are not among this project's tools",
    'languageWorkers__python__arguments="-m debugpy': "the same",
    "python dev.py ": "it runs these tests",
    "python benchmarks/": "takes minutes",
    "python -m debugpy ": "debugpy is not among this project's tools; tried by hand, with breakpoints in both kinds of functions",
    "echo 'eval ": "writes into the user's shell profile; tests/cli/test_completion.py runs the command in it",
    "docker ": "the repository's tests/container runs what these do",
    "env CONTAINER_TESTS=": "CI runs it",
    "python -m tests.functions_host ": "tests/functions_host runs it",
    "azd ": "nobody who runs the tests has a subscription for them; docs/how-to/azure.md says so",
    "embedded-host replay histories/order.json": "tests/testing/test_docs.py runs it, with a history",
    "embedded-host export --url http://localhost:7071 --id ID": "ID is the reader's; the command line's page runs one",
}
"""Commands, by how they begin, that are shown and not run, with the reason."""

RUN_ELSEWHERE = {"how-to/testing.md": "tests/testing/test_docs.py"}
"""Pages whose Python is run by other tests."""

EXTRA = """

@app.orchestration_trigger(context_name="context")
def order(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str]:
    approved = yield context.wait_for_external_event("Approval")
    return "shipped" if approved else "refused"


@app.entity_trigger(context_name="context")
def counter(context: df.DurableEntityContext) -> None:
    context.set_state(context.get_state(lambda: 0) + context.get_input())
"""
"""What docs/reference/cli.md says that it adds to the app."""

COMING: set[str] = set()

SHARED = ("how-to/troubleshooting-stuck-instances.md", "reference/errors.md")
"""Pages that count on a host with an order that waits."""

HEADS = {
    "embedded-host",
    "python",
    "pip",
    "npm",
    "azurite",
    "func",
    "docker",
    "curl",
    "echo",
    "cd",
    ".",
    "azd",
    "env",
}

pytestmark = pytest.mark.xdist_group("docs")


def is_not_run(command: str) -> bool:
    return any(command.startswith(prefix) for prefix in NOT_RUN)


def kind(block: Block) -> str:
    """``session``, ``commands`` or ``shown`` of an indented block."""
    if any(line.startswith("$ ") for line in block.lines):
        return "session"
    heads = [line.split()[0] for line in block.lines if line.strip()]
    known = all(head in HEADS or head.startswith("languageWorkers__") for head in heads)
    return "commands" if known else "shown"


def name(page: Path) -> str:
    """Return the path below docs/, as in `how-to/testing.md`."""
    return page.relative_to(PROJECT).as_posix().removeprefix("docs/")


# -- links ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [*PAGES, *LISTS], ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"https?:", link):
            continue
        file, _, anchor = link.partition("#")
        where = (page.parent / file).resolve() if file else page
        if not where.exists() or (anchor and anchor not in anchors(where)):
            broken.append(link)
    assert not broken, f"{name(page)}: these links lead nowhere: {broken}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_paths_that_are_named_are_there(page: Path) -> None:
    gone = [
        path
        for path in paths(page)
        if path not in COMING
        and not any(
            list(root.glob(path))
            for root in (
                PROJECT,
                PROJECT.parent,
                PROJECT / "src" / "embedded_host",
                PROJECT / "src",
                page.parent,
            )
        )
    ]
    assert not gone, f"{name(page)} names files that are not there: {gone}"


# -- snippets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_snippets_are_sound(page: Path) -> None:
    for block in blocks(page):
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "python":
            ast.parse(block.text)
        elif block.language == "ini":
            configparser.ConfigParser().read_string(block.text)
        else:
            assert block.language in ("", "text"), (
                f"{name(page)}:{block.line}: a block of '{block.language}' is not tested. Indent commands and what they print by "
                "four blanks; fence Python, JSON, INI and pictures (text)."
            )


@pytest.mark.parametrize("page", [*PAGES, *LISTS], ids=name)
def test_commands_in_the_text_are_there(page: Path) -> None:
    wrong = [
        f"`{text}`: {why}"
        for text in inline_commands(page)
        if (why := unknown_part(shlex.split(text)[1:]))
    ]
    assert not wrong, f"{name(page)} names what the command line does not have: {wrong}"


def unknown_part(words: list[str]) -> str:
    """Of a command as it stands in a sentence: values may be placeholders, a command in capitals is one."""
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
    options = {option for parameter in command.params for option in parameter.opts} | {
        "--help",
        "-h",
    }
    return ", ".join(word for word in words if re.match("--?[a-z]", word) and word not in options)


# -- commands ------------------------------------------------------------------------------------------


def test_commands_in_the_exceptions_are_on_a_page() -> None:
    commands = [
        command
        for page in PAGES
        for block in blocks(page)
        if not block.language
        for command in (
            [step.command for step in steps(block.lines)]
            if kind(block) == "session"
            else map(str.strip, block.lines)
        )
    ]
    stale = [
        prefix for prefix in NOT_RUN if not any(command.startswith(prefix) for command in commands)
    ]
    assert not stale, f"NOT_RUN names commands that no page shows any more: {stale}"


@pytest.fixture(scope="module")
def shop_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], RunningHost]]:
    """One host for the pages that only look: with an order that waits. It is started when the first of them wants it."""
    own = ShellSession(tmp_path_factory.mktemp("shared"))

    def host() -> RunningHost:
        if own.host is None:
            assert own.run("embedded-host init shop")[0] == 0
            own.folder /= "shop"
            with (own.folder / "function_app.py").open("a", encoding="utf-8") as app:
                app.write(EXTRA)
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
def test_commands_print_what_the_page_shows(
    page: Path, session: ShellSession, shop_host: Callable[[], RunningHost]
) -> None:
    prepare(name(page), session, shop_host)
    later: list[tuple[Block, str]] = []
    for block in blocks(page):
        where = f"{name(page)}:{block.line}"
        if block.language == "python" and name(page) not in RUN_ELSEWHERE:
            append(session, block, where)
        elif block.language:
            continue
        elif kind(block) == "session":
            for step in steps(block.lines):
                take(session, step, where)
                if step.command == "embedded-host init shop" and name(page) == "reference/cli.md":
                    with (session.folder / "shop" / "function_app.py").open(
                        "a", encoding="utf-8"
                    ) as app:
                        app.write(EXTRA)
        elif kind(block) == "commands":
            for line in filter(str.strip, block.lines):
                take(session, Step(*split_comment(line), ()), where)
        elif block.lines[0].startswith(
            "["
        ):  # the host's log: it is to be there before the page goes on
            shows(session, block, where)
        else:
            later.append((block, where))
    for block, where in later:
        shows(session, block, where)


def shows(session: ShellSession, block: Block, where: str) -> None:
    missing = session.shows(block.lines)
    assert not missing, (
        f"{where} shows what was not printed (or begins with no known command):\n{missing}"
    )


def take(session: ShellSession, step: Step, where: str) -> None:
    if is_not_run(step.command):
        return
    try:
        session.take(step)
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from None


def append(session: ShellSession, block: Block, where: str) -> None:
    """A snippet for a file that is there already."""
    named = re.match(r"# (\S+)$", block.lines[0])
    assert named, f"{where}: its first line must say which file it belongs to: # function_app.py"
    file = session.folder / named[1]
    assert file.is_file(), f"{where}: there is no {named[1]} to add it to"
    with file.open("a", encoding="utf-8") as app:
        app.write("\n\n" + "\n".join(block.lines[1:]) + "\n")


def prepare(page: str, session: ShellSession, host: Callable[[], RunningHost]) -> None:
    """What pages count on that do not begin with nothing."""
    if page in SHARED:
        session.borrow(host())
        return
    if page in ("how-to/coming-from-func.md", "how-to/debugging.md"):
        assert session.run("embedded-host init shop")[0] == 0
        session.folder /= "shop"
