"""The host's messages and ``embedded_host/errors.md`` hold each other: every message has a code, every code an entry that shows
the message, every entry a message."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import embedded_host
from embedded_host.error_codes import BOOK, CODE, entries, with_code

SOURCE = Path(embedded_host.__file__).parent.parent

CODED = {
    "StateError",
    "HostStartError",
    *("CommandError", "NotFoundError", "NotAllowedError"),
    *("NotFinishedError", "OrchestrationFailedError", "UnreadableHistoryError", "LivelockError"),
    *("AppLoadError", "FunctionLoadError", "FakeCallsError"),
    *("InvalidParameterError", "_refusal"),
}
"""Classes, and a function of the dashboard's, whose text is shown as it is: it ends with a code."""

CODED_BY_THEMSELVES = {
    "AppError": "its problems have codes",
    "UnknownFunctionError": "its constructor writes the text",
    "HistoryMismatchError": "_Replay._mismatch writes the text",
    "CrashChangedOutcomeError": "_differences in the same module writes the text",
    "UsageError": "cli.commands gives all of click's errors EH500",
    "BadParameter": "the same",
}

SHOWN_IN_ANOTHER = {
    "LoadError": "EH310, in console.py and http/functions.py",
    "RouteTemplateError": "EH142 in app/function_json.py, EH311 in console.py",
    "ScheduleError": "EH140 in app/function_json.py, EH311 in console.py",
    "NcrontabError": "a ScheduleError",
    "UnusableValueError": "EH401 or EH402, or a function's EH320",
    "MalformedAnswerError": "the instance's output",
    "NonDeterministicError": "the instance's output",
    "UserError": "the instance's output, or an exception in its orchestrator",
}
"""Parts of other messages, and texts that go out over HTTP: no code, but errors.md has them all."""

NEVER_SHOWN = {
    "EmbeddedHostError": "the base class",
    "_InvalidValueError": "host_json.py makes a Problem of it",
    "_UnusableError": "local_settings.py has noted the Problem",
    "JsonFileError": "its readers make a Problem of it (EH110)",
    "UnresolvedSettingError": "its readers make a Problem or ScheduleError of it",
    "UnreadableRecordError": "recovery counts it",
    "PortInUseError": "assembly.py makes a StateError of it",
    "WorkerLostError": "its catchers write the message, with it as the reason",
    "UnsendableMessageError": "pool.py makes it a call's error, with it as the reason",
    "MalformedFrameError": "it ends the connection between host and worker",
    "BodyTooLargeError": "an answer 413",
    "ClientGoneError": "nobody is there to be told",
    "MalformedBodyError": "an answer 400",
    "SlowBodyError": "an answer 408",
    "_BufferLimitError": "an answer 503, and EH333",
    "TooBusyError": "an answer 429, and EH332",
    "InstanceExistsError": "the management API's answer (recorded)",
    "InstanceNotFoundError": "the management API's answer (recorded)",
    "InstanceFinishedError": "the management API's answer (recorded)",
    "InstanceStatusError": "the management API's answer (recorded)",
}

PARTS = {"fail", "wrong", "warn", "unusable", "_InvalidValueError", "text_response", "fault", "message", "_refused"}
"""Functions that make a message of a text; errors.md has the texts."""

OF_THEIR_OWN = ("embedded_host/cli/", "embedded_host/testing/")
"""Where such names mean something else, as click's ``fail``."""

NO_ERRORS = ("host.json: not used by the embedded host",)
"""What is printed on stderr and is no error."""


NOT_FOR_AUTHORS = (
    "has no attribute",  # Python's own words, for a module
    "WorkerLostError(",  # kill_worker_during: the app's functions get it
    "FakeInvoker answers all HTTP calls",  # never reached
    "self._mismatch(",  # it writes the text
    "UnknownFunctionError(",  # its constructor writes it
)


def source_files() -> list[Path]:
    """The modules of the host and of the worker."""
    return sorted(path for package in ("embedded_host", "embedded_worker") for path in (SOURCE / package).rglob("*.py"))


@cache
def modules() -> list[tuple[Path, ast.Module]]:
    """Of the package, without the apps that ``init`` writes."""
    files = (path for path in source_files() if "templates" not in path.parts)
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in files]


class Said(NamedTuple):
    where: str
    text: str
    """The source of the whole call."""
    templates: tuple[str, ...]
    """Each text in it, with NUL for what is variable."""

    @property
    def codes(self) -> list[str]:
        return [code for template in self.templates for code in CODE.findall(template)]


@cache
def calls() -> list[tuple[str, str, ast.Call]]:
    """Every call in the package: its place, what is called (last name), the node."""
    return [
        (f"{path.relative_to(SOURCE).as_posix()}:{node.lineno}", ast.unparse(node.func), node)
        for path, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
    ]


def said(where: str, node: ast.Call) -> Said:
    inner = {id(part) for joined in ast.walk(node) if isinstance(joined, ast.JoinedStr) for part in joined.values}
    templates = []
    for part in ast.walk(node):
        if isinstance(part, ast.JoinedStr):
            templates.append("".join(v.value if isinstance(v, ast.Constant) else "\0" for v in part.values))  # type: ignore[misc]
        elif isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in inner:
            templates.append(part.value)
    return Said(where, ast.unparse(node), tuple(re.sub(r"%(?:\.\d)?[sdrf]", "\0", t) for t in templates))


def messages() -> Iterator[Said]:
    """What has to have a code."""
    for where, name, node in calls():
        last = name.rpartition(".")[2]
        if last in CODED or (name.startswith("log.") and last in ("warning", "error", "exception", "critical")):
            hands_on = node.args and ast.unparse(node.args[0]) == "str(error)"
            if not hands_on:
                yield said(where, node)
        elif name == "print" and any(k.arg == "file" and "stderr" in ast.unparse(k.value) for k in node.keywords):
            found = said(where, node)
            if any(len(fragment(t)) > 3 for t in found.templates) and not any(t in found.text for t in NO_ERRORS):
                yield found


def fragment(template: str) -> str:
    """The longest piece of a text that is the same each time."""
    pieces = re.split(rf"\0|\n|\[{CODE.pattern}\]", template)
    return max((piece.strip(" .:'\"\t()") for piece in pieces), key=len)


HOW = (
    'End the text with a code of its family, as in "... with --state. [EH211]". A family that there is not yet gets the next free '
    "number of its section in embedded_host/errors.md, with the message, its **Cause.** and its **Cure.** (docs/architecture.md, "
    "'Messages')."
)


def test_every_message_has_a_code() -> None:
    without = [f"{m.where}: {m.text}" for m in messages() if not m.codes]
    assert not without, "These messages have no code:\n  " + "\n  ".join(without) + f"\n{HOW}"


def test_what_the_test_kit_raises_has_a_code() -> None:
    """Also in classes of Python's: a test's author sees them as they are."""
    without = []
    for path, module in modules():
        for node in ast.walk(module) if path.parent.name == "testing" else ():
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                found = said(f"embedded_host/testing/{path.name}:{node.lineno}", node.exc)
                texts = [t for t in found.templates if len(fragment(t)) > 3]
                if texts and not found.codes and not any(t in found.text for t in NOT_FOR_AUTHORS):
                    without.append(f"{found.where}: {found.text}")
    assert not without, "These have no code:\n  " + "\n  ".join(without) + f"\n{HOW}"


def test_every_error_class_is_accounted_for() -> None:
    known = CODED | {*CODED_BY_THEMSELVES, *SHOWN_IN_ANOTHER, *NEVER_SHOWN}
    found: dict[str, str] = {}
    for path, module in modules():
        for node in ast.walk(module):
            if isinstance(node, ast.ClassDef) and any(
                re.search(r"(Error|Exception|Failed|Warning)$", ast.unparse(base)) for base in node.bases
            ):
                found[node.name] = path.name
    new = [f"{name} ({file})" for name, file in found.items() if name not in known]
    assert not new, (
        f"New classes of errors: {', '.join(new)}. If users see their text, add them to CODED in {__file__}, and end each text with "
        "a code; else to SHOWN_IN_ANOTHER or NEVER_SHOWN, with the reason."
    )


def test_every_code_has_an_entry_and_every_entry_a_message() -> None:
    used: dict[str, str] = {}
    for path in source_files():
        text = path.read_text(encoding="utf-8")
        for code in re.findall(rf"\[({CODE.pattern})\]", text) + re.findall(rf'"({CODE.pattern})"', text):
            if not path.name.startswith(("error_codes", "explain", "commands")) or code == "EH533" or code == "EH500":
                used.setdefault(code, path.relative_to(SOURCE).as_posix())
    book = entries()
    missing = {code: where for code, where in used.items() if code not in book}
    assert not missing, (
        f"embedded_host/errors.md has no entry '### CODE' for: {missing}. Write one: message, cause, cure."
    )
    unused = sorted(set(book) - set(used))
    assert not unused, (
        f"embedded_host/errors.md has entries that no message leads to any more: {unused}. Take them out."
    )


def test_entries_are_whole_and_in_order() -> None:
    book = entries()
    assert list(book) == sorted(book), "Put the entries of errors.md in the order of their codes."
    assert BOOK.read_text(encoding="utf-8").count("\n### EH") == len(book)
    for code, text in book.items():
        assert re.search(r"^    \S", text), f"{code} in errors.md must begin with the message, indented by four blanks."
        assert "**Cause.**" in text, f"{code} in errors.md says no **Cause.**"
        assert "**Cure.**" in text, f"{code} in errors.md says no **Cure.**"


def test_an_entry_shows_each_of_its_messages() -> None:
    book = {code: flat(text) for code, text in entries().items()}
    problems = [
        f"{message.where}: {code} does not show '{fragment(template)}'"
        for message in messages()
        for template in message.templates
        for code in CODE.findall(template)
        if code in book and template != code and flat(fragment(template)) not in book[code]
    ]
    assert not problems, "Write the messages as they are now into errors.md:\n  " + "\n  ".join(problems)


def test_texts_without_a_code_of_their_own_are_there_too() -> None:
    """Reasons that stand in other messages, and what goes out over HTTP or into an instance's output."""
    book = flat(BOOK.read_text(encoding="utf-8"))
    problems = []
    for where, name, node in calls():
        last = name.rpartition(".")[2]
        if (last in SHOWN_IN_ANOTHER or last in PARTS) and not where.startswith(OF_THEIR_OWN):
            found = [flat(fragment(t)) for t in said(where, node).templates]
            texts = [text for text in found if len(text) > 12 and " " in text]
            if texts and not any(text in book for text in texts):
                problems.append(f"{where}: '{max(texts, key=len)}'")
    assert not problems, "errors.md, in its lists at the end, has nothing about:\n  " + "\n  ".join(problems)


def flat(text: str) -> str:
    return " ".join(text.replace("`", "").split())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It is so.", "It is so. [EH205]"),
        ("The host stopped: full. [EH215]", "The host stopped: full. [EH215]"),
        ("As [EH215] says.", "As [EH215] says. [EH205]"),
    ],
)
def test_with_code(text: str, shown: str) -> None:
    assert with_code(text, "EH205") == shown
