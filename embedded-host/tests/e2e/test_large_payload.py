"""Tests that count how often a host reads, writes and copies a large payload.

The host must do this less often than the SDK.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from embedded_host.host import Host, HostOptions
from embedded_host.store.input_references import encode_stored_turn
from embedded_host.store.interface import AppendHistory, Change
from embedded_host.store.sqlite import SqliteStore
from tests.support import long_json
from tests.support.app_folder import AppFolder, activity_trigger

RECORDS = [
    {"id": n, "name": f"customer {n}", "city": "København", "total": n * 1.25} for n in range(3000)
]
MARK = "customer 2999"


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    app = AppFolder(tmp_path / "app")
    app.starter()
    app.activity("Echo", "return value")
    app.orchestrator(
        "PassThrough", "return (yield context.call_activity('Echo', context.get_input()))"
    )
    app.write("long_json.py", Path(long_json.__file__).read_text(encoding="utf-8"))
    counting = "import collections, long_json\npasses = long_json.count(collections.Counter())\n"
    app.function("Counted", f"{counting}def main(value): return dict(passes)\n", activity_trigger())
    app.orchestrator("WorkersPasses", "return (yield context.call_activity('Counted', None))")
    return app


def written(change: Change) -> str:
    """Return the string that a change writes to the store.

    A history does not contain the input of its instance, which SetInput stores.
    """
    if isinstance(change, AppendHistory):
        return encode_stored_turn(change.events)
    return repr(change)


async def test_the_host_reads_writes_and_copies_less_than_the_sdk(
    app: AppFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        json.JSONDecoder, "raw_decode", json.JSONDecoder.raw_decode
    )  # restored at the end
    monkeypatch.setattr(json.JSONEncoder, "iterencode", json.JSONEncoder.iterencode)
    rows: list[Change] = []
    stage = SqliteStore.stage

    def seen(it: SqliteStore, changes: Sequence[Change]) -> None:
        rows.extend(change for change in changes if MARK in written(change))
        stage(it, changes)

    monkeypatch.setattr(SqliteStore, "stage", seen)
    text = json.dumps(RECORDS)
    assert len(text) > 200_000
    async with AsyncExitStack() as stack, aiohttp.ClientSession() as session:
        host = Host(HostOptions(app.root, port=0, reload=False, replayed_instances=0))
        await host._start(stack)
        assert host._server is not None
        url = host._server.public_url

        async def response(name: str, body: str) -> str:
            async with session.post(f"{url}/api/start/{name}", data=body) as response:
                status_url = (await response.json())["statusQueryGetUri"]
            async with session.get(status_url, headers={"Prefer": "wait=30"}) as response:
                return await response.text()

        ours = long_json.count(Counter())
        shown = await response("PassThrough", text)
        passes = dict(ours)
        sdks = json.loads(await response("WorkersPasses", ""))["output"]
    status = json.loads(shown)
    assert (
        status["output"] == json.loads(status["input"]) == RECORDS
    )  # the SDK passes an input as a string (functions-host.md#sdk-client-calls)
    assert (
        passes["read"] <= 2 < sdks["read"]
    )  # the first turn's actions, and the input that the status shows
    assert passes["written"] <= 1 < sdks["written"]  # the status
    # The payload is written as the input, the input and the result of the activity, the last event
    # of the history, and the output.
    assert len(rows) <= 5 < sdks["written"] + sdks["read"], rows
