"""The message handling of a worker process, without a process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from embedded_worker import process
from embedded_worker.channel import Channel
from embedded_worker.function_logs import IMPORT_RECORD, RunningFunction
from embedded_worker.process import MessageHandler, configure_logging
from embedded_worker.protocol import (
    ClientRequest,
    ClientResponse,
    ImportStarted,
    InvocationRequest,
    InvocationResult,
    LoadRequest,
    LoadResult,
    LogOptions,
    Message,
    StopRequest,
)
from embedded_worker.runner import Runner
from tests.support.app_folder import AppFolder, activity_trigger
from tests.support.polling import eventually_async
from tests.support.worker_calls import load_of


@dataclass
class ChannelDouble:
    """A channel that records the messages that the worker sends."""

    sent: list[Message] = field(default_factory=list)

    def send(self, message: Message, *, at_once: bool = False) -> None:
        self.sent.append(message)

    @property
    def channel(self) -> Channel:
        return cast(Channel, self)


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """Restore the root logger."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
async def handler(root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> MessageHandler:
    monkeypatch.setattr("gc.freeze", lambda: None)
    return MessageHandler(asyncio.get_running_loop())


async def test_messages_that_arrive_during_the_sdks_import_are_handled_afterwards(
    handler: MessageHandler,
) -> None:
    channel = ChannelDouble().channel
    handler.on_message(channel, StopRequest())
    assert not handler.stopped.is_set()
    handler.start(channel, Runner())
    assert handler.stopped.is_set()


async def test_the_name_of_each_function_is_sent_before_its_import(
    handler: MessageHandler, app: AppFolder
) -> None:
    app.activity("Echo", "return value")
    app.activity("Other", "return value")
    double = ChannelDouble()
    handler.start(double.channel, Runner())
    handler.on_message(double.channel, load_of(app))
    assert double.sent[:2] == [ImportStarted("Echo"), ImportStarted("Other")]
    assert isinstance(double.sent[2], LoadResult)


async def test_the_result_of_a_coroutine_function_is_sent(
    handler: MessageHandler, app: AppFolder
) -> None:
    app.function("Echo", "async def main(value): return value", activity_trigger())
    double = ChannelDouble()
    handler.start(double.channel, Runner())
    handler.on_message(double.channel, load_of(app))
    handler.on_message(double.channel, InvocationRequest(3, "Echo", '"x"'))
    await eventually_async(lambda: InvocationResult(3, '"x"') in double.sent, "the result is sent")


async def test_a_client_response_completes_the_request_with_its_id(handler: MessageHandler) -> None:
    double = ChannelDouble()
    handler.start(double.channel, Runner())
    requests = [
        asyncio.ensure_future(
            handler.send_client_request(double.channel, "GET", f"instances/{name}", b"")
        )
        for name in ("a", "b")
    ]
    await eventually_async(lambda: len(double.sent) == 2, "both requests are sent")
    ids = {sent.path: sent.id for sent in double.sent if isinstance(sent, ClientRequest)}
    for name in ("b", "a"):
        response = ClientResponse(ids[f"instances/{name}"], 200, name.encode())
        handler.on_message(double.channel, response)
    assert [response.body for response in await asyncio.gather(*requests)] == [b"a", b"b"]


async def test_a_response_to_an_unknown_client_request_is_ignored(handler: MessageHandler) -> None:
    channel = ChannelDouble().channel
    handler.start(channel, Runner())
    handler.on_message(channel, ClientResponse(99, 200, b""))


@pytest.mark.parametrize(("stopped", "code"), [(True, 0), (False, 1)])
async def test_a_closed_socket_ends_the_process(
    handler: MessageHandler, monkeypatch: pytest.MonkeyPatch, stopped: bool, code: int
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(process, "end_process", codes.append)
    if stopped:
        handler.stopped.set()
    handler.on_close(ChannelDouble().channel)
    assert codes == [code]


async def test_the_load_request_sets_the_log_levels(
    handler: MessageHandler,
    app: AppFolder,
    root_logger: logging.Logger,
    capsys: pytest.CaptureFixture[str],
) -> None:
    app.function(
        "F",
        "import logging\nlogging.warning('at import')\ndef main(value): ...",
        activity_trigger(),
    )
    double = ChannelDouble()
    handler.start(double.channel, Runner())
    load = load_of(app, "F")._replace(logs=LogOptions({"Function.F": "Error"}))
    handler.on_message(double.channel, load)
    (loaded,) = [message for message in double.sent if isinstance(message, LoadResult)]
    (finding,) = loaded.findings
    assert (finding.code, finding.file, finding.line) == (IMPORT_RECORD, "F/__init__.py", 2)
    assert root_logger.level == logging.INFO
    with RunningFunction("F", "id"):
        logging.getLogger("x").info("hidden")
        logging.getLogger("x").error("shown")
    assert capsys.readouterr().err.endswith("ERROR F: shown\n")


def test_logging_goes_to_stderr_with_the_records_of_the_worker(
    root_logger: logging.Logger, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    configure_logging(LoadRequest(str(tmp_path), []), lambda finding: None).end_import()
    with RunningFunction("F", "id"):
        logging.getLogger("my.function").info("hello")
    logging.getLogger("embedded_host.workers").warning("advice")
    error = capsys.readouterr().err
    assert "INFO F: hello" in error
    assert "WARNING advice" in error
