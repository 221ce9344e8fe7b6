"""A function app under test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from azure.durable_functions import DurableOrchestrationClient

from embedded_host.app.definitions import Function
from embedded_host.engine.entity_messages import EntityId
from embedded_host.engine.functions import FunctionNames
from embedded_host.store.interface import InstanceFilter
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.client import HubClient, InstanceExistsError, InstanceStatusError
from embedded_host.task_hub.hub import TaskHub
from embedded_host.testing.fake_invoker import Fakes
from embedded_host.testing.fakes import UNSET, Failure, Fake, HttpFake
from embedded_host.testing.host_run import RPC_BASE, Crash, Life
from embedded_host.testing.http import HttpAnswer, ask, content
from embedded_host.testing.instance import Instance
from embedded_host.testing.loading import KitWorker, UnknownFunctionError
from embedded_host.testing.sync import SyncDurableApp
from embedded_host.testing.values import decoded
from embedded_host.testing.virtual_clock import START, YEAR, NotFinishedError, VirtualClock, fire_next, moved, next_due

LIMIT = 10_000


class DurableApp:
    """The app in a folder, v1 or v2, as it is: its functions run in this process, its state is in memory, and its time stands
    still but for ``advance``, ``run`` and ``finish``. Each method returns when the app has nothing left to do at that time.

    Use it in one event loop, and close it (or use it in a ``with``): it puts back the directory, the path and the environment
    that loading an app changes."""

    def __init__(
        self,
        root: str | Path = ".",
        *,
        settings: Mapping[str, str] | None = None,
        now: datetime = START,
        limit: int = LIMIT,
    ) -> None:
        """``settings`` win over the environment and local.settings.json; ``now`` is the clock's beginning; ``limit`` is how many
        functions and turns may run at one time by the clock. Raises AppError or ImportError if the app cannot be loaded."""
        self._worker = KitWorker(Path(root).absolute(), settings or {}, RPC_BASE)
        self._worker.on_client_request = self._answer_client
        self._start, self._limit = now, limit
        self._fakes = Fakes()
        self._sync: SyncDurableApp | None = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._clock = VirtualClock(self._start)
        self._store = SqliteStore(None)
        self._life = self._new_life(None)

    def _new_life(self, crash: Crash | None) -> Life:
        return Life(self._worker, self._store, self._clock, self._fakes, crash, self._limit)

    def __enter__(self) -> DurableApp:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """The end of the test: what still runs is left behind."""
        self._life.die()
        if self._sync is not None:
            self._sync.close()
        self._store.close()
        self._worker.put_back()

    @property
    def sync(self) -> SyncDurableApp:
        """The same methods for tests that are no coroutines."""
        if self._sync is None:
            self._sync = SyncDurableApp(self)
        return self._sync

    @property
    def root(self) -> Path:
        return self._worker.app.app.root

    @property
    def client(self) -> HubClient:
        return self._life.client

    @property
    def hub(self) -> TaskHub:
        return self._life.hub

    @property
    def turns(self) -> int:
        """How many turns orchestrators and entities have had since the host last started."""
        return self._life.turns

    @property
    def activity_runs(self) -> dict[str, int]:
        """How often each activity has run, by name: a second time where a crash or a lost worker had it run again."""
        return dict(self._fakes.runs)

    def orchestrator_code(self, name: str) -> Callable[..., Any]:
        """What ``df.Orchestrator.create`` has made of an orchestrator. Raises UnknownFunctionError or TypeError."""
        function = self._function("orchestrator", name)
        found = self._worker.runner.functions.get(function.name)
        call = getattr(found, "call", None)
        if not hasattr(call, "orchestrator_function"):
            raise TypeError(f"'{name}' cannot be replayed: {found} [EH611]")
        assert call is not None
        made: Callable[..., Any] = call
        return made

    # -- time --------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """By the app's clock, in UTC: what orchestrators see as ``context.current_utc_datetime``."""
        return self._clock.now()

    async def advance(self, delta: timedelta | None = None, **parts: float) -> None:
        """Move time on, by a timedelta or by its parts (``hours=3``): all timers and timer functions that are due until then
        run, each at its time, in order."""
        target = self.now + moved(delta, parts)
        await self.idle()
        while (due := next_due(self._life)) is not None and due <= target:
            fire_next(self._life, self._clock, due)
            await self.idle()
        self._clock.at = max(self._clock.at, target)

    async def idle(self) -> None:
        """Run what there is to do now. Raises LivelockError if that does not end."""
        self._life.begin()
        while True:
            await self._life.settle()
            if not self._life.dead:
                return
            await self.restart()

    # -- orchestrations ----------------------------------------------------------------------------

    async def run(
        self, name: str, input: Any = None, *, instance_id: str | None = None, within: timedelta = YEAR
    ) -> Instance:
        """Start an orchestration and let it come to its end, however long its timers take (not longer than ``within``).

        Raises NotFinishedError if it waits for something that does not come by itself: then ``start`` it, and give it that."""
        return await self.finish(await self.start(name, input, instance_id=instance_id), within=within)

    async def start(self, name: str, input: Any = None, *, instance_id: str | None = None) -> Instance:
        """Start an orchestration, and let it go as far as it goes without time passing."""
        function = self._function("orchestrator", name)
        text = DurableOrchestrationClient._get_json_input(input)
        await self.idle()
        # As the SDK's client sends it: JSON in a JSON text.
        given = None if text is None else json.dumps(text)
        with self._as_allowed(instance_id or "", "be started again"):
            started = await self.client.start(function.durable_name, given, instance_id)
        await self.idle()
        return Instance(self, started)

    async def finish(self, instance: Instance | str, *, within: timedelta = YEAR) -> Instance:
        """Let time pass, from one timer to the next, until an instance has finished. Raises NotFinishedError."""
        instance = self.instance(instance)
        until = self.now + within
        await self.idle()
        while not instance.is_finished:
            due = next_due(self._life)
            # A timer function alone moves no orchestration; with none of their timers left, nothing here will.
            if due is None or self.hub.timers.next_due is None:
                raise NotFinishedError(
                    f"{instance.name} '{instance.id}' does not finish by itself. {instance.waits_for} [EH601]"
                )
            if due > until:
                raise NotFinishedError(
                    f"{instance.name} '{instance.id}' is not over after {within}. {instance.waits_for} [EH601]"
                )
            fire_next(self._life, self._clock, due)
            await self.idle()
        return instance

    def instance(self, instance: Instance | str) -> Instance:
        """By its id. Raises LookupError if there is none."""
        id = instance.id if isinstance(instance, Instance) else instance
        if self.client.status(id) is None:
            raise LookupError(f"There is no instance '{id}'. [EH603]")
        return Instance(self, id)

    @property
    def instances(self) -> list[Instance]:
        """All orchestrations, sub-orchestrations included, in order of creation."""
        rows = self.client.list(InstanceFilter(entities=False), 2**31)
        return [Instance(self, row.id) for row in sorted(rows, key=lambda row: row.key)]

    async def raise_event(self, instance: Instance | str, name: str, value: Any = None) -> None:
        """Raise an external event. Raises LookupError if there is no such instance, or it has finished."""
        self._check_live(instance, f"take the event '{name}'")
        await self.client.raise_event(_id(instance), name, json.dumps(value))
        await self.idle()

    async def terminate(self, instance: Instance | str, reason: str | None = None) -> None:
        self._check_live(instance, "be terminated")
        await self.client.terminate(_id(instance), reason)
        await self.idle()

    async def suspend(self, instance: Instance | str, reason: str | None = None) -> None:
        self._check_live(instance, "be suspended")
        with self._as_allowed(instance, "be suspended"):
            await self.client.suspend(_id(instance), reason)
        await self.idle()

    async def resume(self, instance: Instance | str, reason: str | None = None) -> None:
        self._check_live(instance, "be resumed")
        with self._as_allowed(instance, "be resumed"):
            await self.client.resume(_id(instance), reason)
        await self.idle()

    async def rewind(self, instance: Instance | str, reason: str | None = None) -> None:
        """Let a failed instance try again what failed. Raises LookupError if there is no such instance, or it has not failed."""
        self.instance(instance)
        with self._as_allowed(instance, "be rewound"):
            await self.client.rewind(_id(instance), reason)
        await self.idle()

    async def purge(self, instance: Instance | str) -> None:
        """Delete a finished instance. Raises LookupError if there is no such instance, or it has not finished."""
        self.instance(instance)
        with self._as_allowed(instance, "be purged"):
            await self.client.purge(_id(instance))
        await self.idle()

    # -- entities ----------------------------------------------------------------------------------

    async def signal_entity(self, name: str, key: str, operation: str, input: Any = None) -> None:
        """Send an operation to an entity."""
        function = self._function("entity", name)
        await self.idle()
        text = None if input is None else json.dumps(json.dumps(input))  # as the SDK's client sends it
        await self.client.signal_entity(EntityId.parse(f"@{function.durable_name}@{key}"), operation, text)
        await self.idle()

    def entity(self, name: str, key: str) -> Any:
        """An entity's state; None if there is no such entity."""
        function = self._function("entity", name)
        found = self.client.entity_state(EntityId.parse(f"@{function.durable_name}@{key}"))
        return None if found is None else decoded(found[1])

    # -- fakes -------------------------------------------------------------------------------------

    def fake(
        self,
        name: str,
        using: Callable[..., Any] | None = None,
        *,
        result: Any = UNSET,
        results: Sequence[Any] | None = None,
        raises: Failure | None = None,
        fails: int = 0,
        fails_twice: bool = False,
    ) -> Fake:
        """Replace an activity, sub-orchestrator or entity, from now on; the fake's ``calls`` are what it was given.

        Say what it does: ``result`` returns a value, ``results`` one after another (an exception among them is raised),
        ``raises`` an exception (or its class), and ``using`` calls a function or coroutine function with the input; for an entity
        with the operation and its input. ``fails=n`` (``fails_twice`` is ``fails=2``) fails the first n calls, with ``raises`` if
        that is given; what comes after them is the rest of what is said, or the app's own function. With nothing said it returns
        None. Raises TypeError for two answers at once."""
        kind = self._kind(name)
        fails = 2 if fails_twice and not fails else fails
        answers = {"result": result is not UNSET, "results": results is not None, "a function": using is not None}
        answers["raises"] = raises is not None and not fails
        if sum(answers.values()) > 1:
            both = " and ".join(what for what, given in answers.items() if given)
            raise TypeError(f"a fake of '{name}' answers in one way, but {both} were given [EH608]")
        said = using is not None or results is not None or raises is not None or fails
        fake = Fake(name, kind, using, None if result is UNSET and not said else result, results, raises, fails)
        self._fakes.functions[kind, self._function(kind, name).durable_name.lower()] = fake
        return fake

    def spy(self, name: str) -> Fake:
        """Let the app's own function run, and keep its ``calls``."""
        kind = self._kind(name)
        fake = self._fakes.functions[kind, self._function(kind, name).durable_name.lower()] = Fake(name, kind)
        return fake

    def fake_http(
        self,
        url: str,
        *,
        method: str | None = None,
        status: int = 200,
        body: Any = "",
        headers: Mapping[str, str] | None = None,
        raises: Failure | None = None,
    ) -> HttpFake:
        """Answer ``context.call_http``: ``url`` may have ``*``; a ``body`` that is no text is sent as JSON. The last one that
        fits answers, and without one the call fails: no request leaves the test."""
        fake = HttpFake(url, method, status, body, dict(headers or {}), raises)
        self._fakes.http.append(fake)
        return fake

    def lose_worker(self, name: str, times: int = 1) -> None:
        """Whatever runs the function ``name`` is lost when it has run, and before it has said so, so many times: the function
        runs again, as on a real host, which gives up at the third time."""
        self._fakes.losses[self._function(self._kind(name), name).durable_name.lower()] = times

    # -- the host's own end ------------------------------------------------------------------------

    async def restart(self, *, crash: Crash | None = None) -> None:
        """Kill the host where it is and start it again: what was not recorded is lost, what was is taken up."""
        await self._life.bury()
        self._life = self._new_life(crash)
        await self.idle()

    async def crash_at(self, turn: int, *, recorded: bool = False) -> None:
        """Kill the host at the ``turn``-th turn (of an orchestrator or entity) from now, and start it again: before that turn is
        recorded, so that it and what led to it happen again; or (``recorded``) just after."""
        if turn < 1:
            raise ValueError("turns are counted from 1 [EH609]")
        await self.idle()
        await self.restart(crash=Crash(turn, recorded))

    async def reset(self, *, crash: Crash | None = None) -> None:
        """An empty state, the clock at its beginning, and the same fakes, as if they had not been called."""
        await self._life.bury()
        self._store.close()
        self._fakes.reset()
        self._begin_anew()
        if crash is not None:
            self._life = self._new_life(crash)

    # -- HTTP --------------------------------------------------------------------------------------

    async def http(
        self, method: str, url: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Ask an HTTP function, or a management URL, without a socket: ``await app.http("POST", "/api/start/Order", {"n": 1})``"""
        await self.idle()
        data, given = content(body, headers)
        answer = await ask(self._life, method, url, data, given)
        await self.idle()
        return answer

    async def _answer_client(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """What a durable client in a function asks."""
        if self._life.dead:
            await self.restart()
        headers = {"content-type": "application/json"} if body else {}
        answer = await ask(self._life, method, f"/runtime/webhooks/durabletask/{path}", body, headers)
        return answer.status, answer.body

    # -- names -------------------------------------------------------------------------------------

    def _names(self, kind: str) -> FunctionNames:
        functions = self.hub.settings.functions
        return {
            "activity": functions.activities,
            "orchestrator": functions.orchestrators,
            "entity": functions.entities,
        }[kind]

    def _kind(self, name: str) -> str:
        for kind in ("activity", "orchestrator", "entity"):
            if name in self._names(kind):
                return kind
        known = [known for kind in ("activity", "orchestrator", "entity") for known in self._names(kind).names]
        raise UnknownFunctionError("activity, orchestrator or entity", name, known)

    def _function(self, kind: str, name: str) -> Function:
        names = self._names(kind)
        if name not in names:
            raise UnknownFunctionError(kind, name, names.names)
        trigger = {"activity": "activitytrigger", "orchestrator": "orchestrationtrigger", "entity": "entitytrigger"}
        registered = names.registered(name)
        return next(f for f in self._worker.app.of_type(trigger[kind]) if f.durable_name == registered)

    def _check_live(self, instance: Instance | str, what: str) -> None:
        if self.instance(instance).is_finished:
            raise self._refused(instance, what)

    @contextmanager
    def _as_allowed(self, instance: Instance | str, what: str) -> Iterator[None]:
        """Raises LookupError for what its status does not allow."""
        try:
            yield
        except (InstanceStatusError, InstanceExistsError):
            raise self._refused(instance, what) from None

    def _refused(self, instance: Instance | str, what: str) -> LookupError:
        found = self.instance(instance)
        more = f": {found.output!r}" if found.is_finished else f". {found.waits_for}"
        return LookupError(f"{found.name} '{found.id}' is {found.status} and cannot {what}{more} [EH604]")


def _id(instance: Instance | str) -> str:
    return instance.id if isinstance(instance, Instance) else instance
