"""Tests that count the costs of common cases: commits, syncs, turns, replays and messages.

The host runs in this process and has a worker process, a state file and an HTTP server.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from embedded_host.engine.invocations import OrchestratorOutput
from embedded_host.host import Host, HostOptions
from embedded_host.protocols.v1 import orchestrators, parse_orchestrator_output
from embedded_host.store.input_references import encode_stored_turn
from embedded_host.store.interface import AppendHistory, Change
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.commit import GroupCommit
from embedded_host.workers import pool
from embedded_worker.channel import Channel
from embedded_worker.protocol import ClientResponse, InvocationRequest, Message, TurnRequest
from tests.support.app_folder import AppFolder
from tests.support.polling import eventually_async


class Costs(Counter[str]):
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        group_commit, store_commit, stage, send = (
            GroupCommit.commit,
            SqliteStore.commit,
            SqliteStore.stage,
            Channel.send,
        )

        def counted_recording(it: GroupCommit, changes: Sequence[Change]) -> asyncio.Future[None]:
            self["recordings"] += 1
            return group_commit(it, changes)

        def counted_stage(it: SqliteStore, changes: Sequence[Change]) -> None:
            for change in changes:
                if isinstance(change, AppendHistory):
                    self["history bytes"] += len(encode_stored_turn(change.events))
            stage(it, changes)

        def counted_fsync(it: SqliteStore) -> None:
            self["fsyncs"] += 1
            store_commit(it)

        def counted_parse(*output: Any) -> OrchestratorOutput:
            parsed = parse_orchestrator_output(*output)
            self["actions"] += len(parsed.actions)
            return parsed

        def counted_send(it: Channel, message: Message, **options: Any) -> None:
            if isinstance(message, TurnRequest):
                self["turns"] += 1
                self["replays"] += message.seen == 0
                self["turn bytes"] += len(message.payload)
            elif isinstance(message, InvocationRequest):
                self["http calls" if not isinstance(message.trigger, str) else "activities"] += 1
            elif isinstance(message, ClientResponse):
                self["client calls"] += 1
            send(it, message, **options)

        monkeypatch.setattr(GroupCommit, "commit", counted_recording)
        monkeypatch.setattr(SqliteStore, "commit", counted_fsync)
        monkeypatch.setattr(SqliteStore, "stage", counted_stage)
        monkeypatch.setattr(Channel, "send", counted_send)
        monkeypatch.setattr(orchestrators, "parse_orchestrator_output", counted_parse)


class CountingClient:
    def __init__(self, base: str, session: aiohttp.ClientSession, costs: Costs) -> None:
        self._base, self._session, self.costs = base, session, costs

    async def output(self, name: str, input: object = None) -> Any:
        """Run a new instance, count its costs in ``costs``, and return its output."""
        self.costs.clear()
        return await self.end(await self.start(name, input))

    async def start(self, name: str, input: object = None) -> dict[str, str]:
        async with self._session.post(
            f"{self._base}/api/start/{name}", data=json.dumps(input)
        ) as response:
            links: dict[str, str] = await response.json()
            return links

    async def status(self, links: dict[str, str], **headers: str) -> dict[str, Any]:
        async with self._session.get(links["statusQueryGetUri"], headers=headers) as response:
            status: dict[str, Any] = await response.json()
            return status

    async def raise_event(self, links: dict[str, str], name: str) -> None:
        url = links["sendEventPostUri"].replace("{eventName}", name)
        async with self._session.post(
            url, data="null", headers={"Content-Type": "application/json"}
        ) as response:
            assert response.status == 202

    async def end(self, links: dict[str, str]) -> Any:
        status = await self.status(links, Prefer="wait=30")
        assert status["runtimeStatus"] == "Completed", status
        return status["output"]


@pytest.fixture
async def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CountingClient]:
    app = AppFolder(tmp_path / "app")
    app.starter()
    app.activity("Hello", "return f'Hello {value}!'")
    app.orchestrator("One", "return (yield context.call_activity('Hello', 'World'))")
    app.orchestrator("Wait", "yield context.wait_for_external_event('Go')\nreturn 'went'")
    app.orchestrator(
        "FanOut",
        """
        tasks = [context.call_activity("Hello", n) for n in range(context.get_input())]
        return len((yield context.task_all(tasks)))
        """,
    )
    app.orchestrator(
        "Chain",
        """
        for n in range(context.get_input()):
            yield context.call_activity("Hello", n)
        return "done"
        """,
    )
    app.orchestrator(
        "Polls",
        """
        for n in range(context.get_input()):
            late = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
            yield context.task_any([late, context.call_activity("Hello", n)])
            late.cancel()
            yield context.create_timer(context.current_utc_datetime)
        return "done"
        """,
    )
    costs = Costs(monkeypatch)
    host = Host(HostOptions(app.root, port=0, reload=False, replayed_instances=0))
    async with AsyncExitStack() as stack, aiohttp.ClientSession() as session:
        await host._start(stack)
        assert host._server is not None
        yield CountingClient(host._server.public_url, session, costs)


async def test_a_hello_costs_three_syncs_and_one_replay(
    client: CountingClient,
) -> None:
    assert await client.output("One") == "Hello World!"
    costs = client.costs
    assert costs["http calls"] == costs["client calls"] == 1
    assert (
        costs["recordings"] == 3
    )  # its start, its first turn, and its second turn with the activity's result
    assert costs["fsyncs"] <= 3
    assert (costs["turns"], costs["replays"], costs["activities"]) == (2, 1, 1)


async def test_a_finished_instance_does_not_evict_a_waiting_one(
    client: CountingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "SESSION_LIMIT", 2)
    waiting = await client.start("Wait")
    await eventually_async(lambda: client.costs["recordings"] == 2, "it waits")
    for _ in range(5):
        await client.output("One")
    client.costs.clear()
    await client.raise_event(waiting, "Go")
    assert await client.end(waiting) == "went"
    assert (client.costs["turns"], client.costs["replays"]) == (1, 0)


async def test_a_chain_costs_one_turn_and_one_commit_per_step(client: CountingClient) -> None:
    assert await client.output("Chain", 100) == "done"
    costs = client.costs
    assert (costs["turns"], costs["replays"], costs["activities"]) == (101, 1, 100)
    assert costs["recordings"] == 102
    assert costs["fsyncs"] <= 102
    # Each step sends and writes only its own events. The whole history is 50 times as long.
    assert costs["turn bytes"] < 101 * 600
    assert costs["history bytes"] < 101 * 1000


async def test_each_round_of_a_timer_loop_costs_the_same(client: CountingClient) -> None:
    """A round transfers its new events and its canceled timer, not the whole history."""
    assert await client.output("Polls", 100) == "done"
    costs = client.costs
    assert (costs["turns"], costs["replays"], costs["activities"]) == (201, 1, 100)
    assert costs["actions"] <= 3 * 100


async def test_a_fan_out_costs_one_message_per_activity_and_its_results_share_turns(
    client: CountingClient,
) -> None:
    assert await client.output("FanOut", 100) == 100
    costs = client.costs
    assert (costs["replays"], costs["activities"]) == (1, 100)
    assert costs["recordings"] == 1 + costs["turns"]
    assert costs["fsyncs"] <= costs["recordings"]
    assert costs["turns"] <= 101
    # Each result is sent to the worker only once. The turn can vary.
    assert costs["turn bytes"] < costs["turns"] * 600 + 100 * 500
    assert costs["history bytes"] < costs["turns"] * 600 + 100 * 500
