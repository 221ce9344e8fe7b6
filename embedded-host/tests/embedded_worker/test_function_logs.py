"""The visible log records of functions, and the records that are lost on the Functions host."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_worker.function_context import thread_local_storage
from embedded_worker.function_logs import (
    IMPORT_RECORD,
    THREAD_RECORD,
    FunctionLogHandler,
    RunningFunction,
    current_invocation,
    function_log_handler,
    install,
)
from embedded_worker.protocol import ConsoleFormat, FindingData, LoadRequest, LogLine, LogOptions

HERE = Path(__file__).parent


class Logs:
    """A logger with a ``FunctionLogHandler``, the lines that it writes, and its findings."""

    def __init__(
        self, levels: dict[str, str], *, strict: bool = False, format: ConsoleFormat = "simple"
    ) -> None:
        self.stream = io.StringIO()
        self.findings: list[FindingData] = []
        self.of_host = io.StringIO()
        self.stored: list[LogLine] = []
        request = LoadRequest(str(HERE), [], LogOptions(levels, {}, format, True), strict=strict)
        self.handler: FunctionLogHandler = function_log_handler(
            request,
            self.findings.append,
            logging.StreamHandler(self.of_host),
            self.stream,
            self.stored.append,
        )
        self.log = logging.getLogger("tests.function_logs")
        self.log.handlers[:] = [self.handler]
        self.log.propagate = False
        self.log.setLevel(logging.DEBUG)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


@pytest.fixture
def logs() -> Iterator[Logs]:
    yield (found := Logs({}))
    found.handler.end_import()


def in_thread(target: object) -> None:
    """Run a callable in a new thread until it ends."""
    assert callable(target)
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()


def test_a_record_has_the_category_of_its_function(logs: Logs) -> None:
    with RunningFunction("One", "id"):
        logs.log.info("two\nlines")
        logs.log.debug("hidden")
        logs.log.log(5, "hidden")
    assert logs.lines == ["info: Function.One.User[0]", "      two", "      lines"]
    assert current_invocation() is None


def test_the_level_of_the_category_decides() -> None:
    logs = Logs({"Function.One": "Debug", "Function.Two.User": "Error"})
    for name in ("One", "Two"):
        with RunningFunction(name, name):
            logs.log.debug("debug of %s", name)
            logs.log.warning("warning of %s", name)
            logs.log.error("error of %s", name)
    assert [line.strip() for line in logs.lines if " of " in line] == [
        "debug of One",
        "warning of One",
        "error of One",
        "error of Two",
    ]


@pytest.mark.parametrize(
    "name", ["azure.functions.x", "azure.functions2", "azure_functions_worker"]
)
def test_records_of_system_loggers_are_hidden(logs: Logs, name: str) -> None:
    with RunningFunction("One", "id"):
        logs.handler.handle(logging.LogRecord(name, logging.ERROR, "", 1, "hidden", None, None))
    assert not logs.lines


def test_records_of_the_host_have_its_own_handler(logs: Logs) -> None:
    record = logging.LogRecord("embedded_host.workers", logging.ERROR, "", 1, "shown", None, None)
    logs.handler.handle(record)
    assert logs.of_host.getvalue() == "shown\n"
    assert not logs.lines


def test_records_at_import_are_lost_with_one_finding(logs: Logs) -> None:
    logs.log.info("first")
    logs.log.info("second")
    findings = logs.handler.end_import()
    assert not logs.lines
    assert [(finding.code, finding.file) for finding in findings] == [
        (IMPORT_RECORD, "test_function_logs.py")
    ]
    assert findings[0].line > 0
    assert not logs.handler.end_import()


@pytest.mark.parametrize("strict", [False, True])
def test_a_record_of_a_thread_has_a_finding_and_is_lost_with_strict(strict: bool) -> None:
    logs = Logs({}, strict=strict)
    logs.handler.end_import()
    with RunningFunction("One", "id"):
        for _ in range(3):
            in_thread(lambda: logs.log.info("thread"))
    assert ("      thread" in logs.lines) is not strict
    (finding,) = logs.findings
    assert (finding.code, finding.file) == (THREAD_RECORD, "test_function_logs.py")
    assert ("lost here too" in finding.detail) is strict


def test_a_thread_with_the_invocation_id_belongs_to_the_invocation(logs: Logs) -> None:
    def work() -> None:
        thread_local_storage.invocation_id = "id"
        logs.log.info("thread")

    logs.handler.end_import()
    with RunningFunction("One", "id"):
        in_thread(work)
    in_thread(work)
    assert logs.lines[:2] == ["info: Function.One.User[0]", "      thread"]
    assert len(logs.findings) == 1, "the invocation has ended"


async def test_tasks_belong_to_the_invocation_until_it_ends(logs: Logs) -> None:
    logs.handler.end_import()
    ended = asyncio.Event()

    async def log(text: str) -> None:
        logs.log.info(text)

    async def later() -> None:
        await ended.wait()
        logs.log.info("after the end")

    async def function() -> asyncio.Task[None]:
        with RunningFunction("One", "id", is_coroutine=True):
            await log("direct")
            await asyncio.create_task(log("task"))
            assert not logs.findings
            await asyncio.to_thread(logs.log.info, "to_thread")
            return asyncio.create_task(later())

    task = await asyncio.create_task(function())
    ended.set()
    await task
    categories = dict(zip(logs.lines[1::2], logs.lines[::2], strict=True))
    assert categories == {
        "      direct": "info: Function.One.User[0]",
        "      task": "info: Function.One.User[0]",
        "      to_thread": "info: Function[0]",
        "      after the end": "info: Function[0]",
    }
    assert {finding.function for finding in logs.findings} == {"One"}


async def test_a_callback_belongs_to_the_last_invocation_until_it_ends(logs: Logs) -> None:
    logs.handler.end_import()
    loop = asyncio.get_running_loop()
    called = asyncio.Event()

    def callback() -> None:
        logs.log.info("callback")
        called.set()

    async def function() -> None:
        with RunningFunction("One", "id", is_coroutine=True):
            assert thread_local_storage.invocation_id == "id"
            loop.call_soon(callback)
            await called.wait()

    await asyncio.create_task(function())
    assert logs.lines == ["info: Function.One.User[0]", "      callback"]
    called.clear()
    loop.call_soon(callback)
    await called.wait()
    assert [finding.code for finding in logs.findings] == [THREAD_RECORD]


def test_asyncio_run_in_a_function_belongs_to_the_invocation(logs: Logs) -> None:
    async def work() -> None:
        logs.log.info("inside")

    logs.handler.end_import()
    with RunningFunction("One", "id"):
        asyncio.run(work())
    assert logs.lines == ["info: Function.One.User[0]", "      inside"]


@pytest.mark.parametrize(
    ("value", "level"), [("", logging.INFO), ("0", logging.INFO), ("True", logging.DEBUG)]
)
def test_the_setting_decides_about_debug_records(logs: Logs, value: str, level: int) -> None:
    root = logging.getLogger()
    handlers, before = root.handlers[:], root.level
    try:
        install(logs.handler, {"PYTHON_ENABLE_DEBUG_LOGGING": value})
        assert (root.handlers, root.level) == ([logs.handler], level)
    finally:
        root.handlers[:] = handlers
        root.setLevel(before)


class Replay:
    is_replaying = False


def test_a_line_has_its_invocation_and_its_instance() -> None:
    logs = Logs({}, format="default")
    with RunningFunction("One", "id", "i-1"):
        logs.log.info("hello ?code=%s", "x" * 40)
    (line,) = logs.stored
    assert line[1:] == (
        2,
        "Function.One.User",
        "hello ?code=[Hidden Credential]",
        "One",
        "id",
        "i-1",
    )
    assert logs.lines[0].endswith("Z] INFO One (i-1): hello ?code=[Hidden Credential]")


def test_a_line_of_a_replay_is_marked_and_not_stored() -> None:
    logs = Logs({}, format="default")
    with RunningFunction("One", "id", "i-1") as running:
        running.session = session = Replay()
        for session.is_replaying in (True, False):
            logs.log.info("hello")
    assert [line.partition("Z] ")[2] for line in logs.lines] == [
        "INFO One (i-1): hello (replay)",
        "INFO One (i-1): hello",
    ]
    assert len(logs.stored) == 1


def test_a_hidden_line_is_not_stored() -> None:
    logs = Logs({"Function": "Error"})
    with RunningFunction("One", "id"):
        logs.log.info("hidden")
    assert not logs.stored


async def test_a_line_after_the_end_of_its_invocation_has_its_function_and_instance() -> None:
    logs = Logs({})
    logs.handler.end_import()

    async def function() -> asyncio.Task[None]:
        with RunningFunction("One", "id", "i-1", is_coroutine=True):
            return asyncio.create_task(asyncio.to_thread(logs.log.info, "late"))

    await (await asyncio.create_task(function()))
    assert [(line.function, line.instance_id) for line in logs.stored] == [("One", "i-1")]


def test_json_has_the_fields_of_a_line() -> None:
    logs = Logs({}, format="json")
    with RunningFunction("One", "the-id", "i-1") as running:
        running.session = session = Replay()
        logs.log.warning("two\nlines")
        session.is_replaying = True
        logs.log.warning("again")
    first, second = map(json.loads, logs.lines)
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "Warning",
        "category": "Function.One.User",
        "function": "One",
        "invocationId": "the-id",
        "instanceId": "i-1",
        "message": "two\nlines",
    }
    assert second["isReplay"] is True


def test_a_worker_process_stores_the_records_of_the_worker(logs: Logs) -> None:
    record = logging.LogRecord("embedded_host.workers", logging.ERROR, "", 1, "shown", None, None)
    logs.handler.handle(record)
    assert not logs.stored
    logs.handler.stores_host_records = True
    with RunningFunction("One", "id", "i-1"):
        logs.handler.handle(record)
    assert [line[1:] for line in logs.stored] == [
        (4, "embedded_host.workers", "shown", "One", "id", "i-1")
    ]


def test_the_records_of_a_silent_function_are_discarded(logs: Logs) -> None:
    with RunningFunction("One", "id", is_silent=True):
        logs.log.error("hidden")
    with RunningFunction("One", "id"):
        logs.log.error("visible")
    assert [line.text for line in logs.stored] == ["visible"]
    assert len(logs.lines) == 2
