"""The app under test for tests that are no coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from embedded_host.testing.fakes import UNSET, Failure, Fake, HttpFake
from embedded_host.testing.http import HttpAnswer
from embedded_host.testing.instance import Instance
from embedded_host.testing.virtual_clock import YEAR

if TYPE_CHECKING:
    from embedded_host.testing.app import DurableApp

T = TypeVar("T")


class SyncDurableApp:
    """``DurableApp`` with every method an ordinary one. It has an event loop of its own, in which nothing runs between calls."""

    def __init__(self, app: DurableApp) -> None:
        self.app = app
        self._loop: asyncio.AbstractEventLoop | None = None

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of the async app to its end."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            coroutine.close()
            raise RuntimeError(
                "In an async test use the app itself: await durable_app.run(...), not durable_app.sync. [EH609]"
            )
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(coroutine)

    def close(self) -> None:
        if self._loop is not None:
            try:
                self._loop.run_until_complete(self.app._life.bury())
            finally:
                self._loop.close()
                self._loop = None

    @property
    def now(self) -> datetime:
        return self.app.now

    @property
    def turns(self) -> int:
        return self.app.turns

    @property
    def activity_runs(self) -> dict[str, int]:
        return self.app.activity_runs

    @property
    def instances(self) -> list[Instance]:
        return self.app.instances

    def instance(self, instance: Instance | str) -> Instance:
        return self.app.instance(instance)

    def entity(self, name: str, key: str) -> Any:
        return self.app.entity(name, key)

    def run(
        self, name: str, input: Any = None, *, instance_id: str | None = None, within: timedelta = YEAR
    ) -> Instance:
        return self.do(self.app.run(name, input, instance_id=instance_id, within=within))

    def start(self, name: str, input: Any = None, *, instance_id: str | None = None) -> Instance:
        return self.do(self.app.start(name, input, instance_id=instance_id))

    def finish(self, instance: Instance | str, *, within: timedelta = YEAR) -> Instance:
        return self.do(self.app.finish(instance, within=within))

    def advance(self, delta: timedelta | None = None, **parts: float) -> None:
        self.do(self.app.advance(delta, **parts))

    def idle(self) -> None:
        self.do(self.app.idle())

    def raise_event(self, instance: Instance | str, name: str, value: Any = None) -> None:
        self.do(self.app.raise_event(instance, name, value))

    def terminate(self, instance: Instance | str, reason: str | None = None) -> None:
        self.do(self.app.terminate(instance, reason))

    def suspend(self, instance: Instance | str, reason: str | None = None) -> None:
        self.do(self.app.suspend(instance, reason))

    def resume(self, instance: Instance | str, reason: str | None = None) -> None:
        self.do(self.app.resume(instance, reason))

    def rewind(self, instance: Instance | str, reason: str | None = None) -> None:
        self.do(self.app.rewind(instance, reason))

    def purge(self, instance: Instance | str) -> None:
        self.do(self.app.purge(instance))

    def signal_entity(self, name: str, key: str, operation: str, input: Any = None) -> None:
        self.do(self.app.signal_entity(name, key, operation, input))

    def http(self, method: str, url: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        return self.do(self.app.http(method, url, body, headers=headers))

    def restart(self) -> None:
        self.do(self.app.restart())

    def crash_at(self, turn: int, *, recorded: bool = False) -> None:
        self.do(self.app.crash_at(turn, recorded=recorded))

    def reset(self) -> None:
        self.do(self.app.reset())

    def fake(
        self,
        name: str,
        using: Callable[..., Any | Awaitable[Any]] | None = None,
        *,
        result: Any = UNSET,
        results: Sequence[Any] | None = None,
        raises: Failure | None = None,
        fails: int = 0,
        fails_twice: bool = False,
    ) -> Fake:
        return self.app.fake(
            name, using, result=result, results=results, raises=raises, fails=fails, fails_twice=fails_twice
        )

    def spy(self, name: str) -> Fake:
        return self.app.spy(name)

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
        return self.app.fake_http(url, method=method, status=status, body=body, headers=headers, raises=raises)

    def lose_worker(self, name: str, times: int = 1) -> None:
        self.app.lose_worker(name, times)
