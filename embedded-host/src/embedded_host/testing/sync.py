"""Derivation of the synchronous app from the asynchronous one: ``run = Synchronous(DurableApp.run)``."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from embedded_host.testing.traceback import is_raised_by_kit, user_traceback

__tracebackhide__ = True

App = TypeVar("App")
App_co = TypeVar("App_co", covariant=True)
P = ParamSpec("P")
T = TypeVar("T")


class SynchronousTwin(Protocol[App_co]):
    """An app that has an asynchronous twin and runs its coroutines."""

    @property
    def asynchronous(self) -> App_co: ...

    def run_async(self, coroutine: Coroutine[Any, Any, T]) -> T: ...


class Synchronous(Generic[App, P, T]):
    """Descriptor that turns a coroutine method of ``App`` into an ordinary method of its synchronous twin.

    The method keeps the parameters, the result and the docstring, for type checkers and at run time.
    """

    def __init__(self, method: Callable[Concatenate[App, P], Coroutine[Any, Any, T]]) -> None:
        @functools.wraps(method)
        def call(app: SynchronousTwin[App], /, *arguments: P.args, **options: P.kwargs) -> T:
            return app.run_async(method(app.asynchronous, *arguments, **options))

        self._call = call

    @overload
    def __get__(self, app: None, owner: type) -> Callable[..., T]: ...

    @overload
    def __get__(self, app: SynchronousTwin[App], owner: type) -> Callable[P, T]: ...

    def __get__(self, app: SynchronousTwin[App] | None, owner: type) -> Callable[..., T]:
        return self._call if app is None else functools.partial(self._call, app)


class EventLoop:
    """An event loop that runs coroutines one after another, for callers that are not coroutines. Nothing runs in between."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine and return its result.

        Raises:
            RuntimeError: The caller runs in an event loop.
        """
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
        try:
            return self._loop.run_until_complete(coroutine)
        except BaseException as error:
            frames = user_traceback(error.__traceback__)
            if frames is None and not is_raised_by_kit(error.__traceback__):
                raise  # an internal error keeps all its frames
            raise error.with_traceback(frames)  # noqa: B904

    @property
    def is_open(self) -> bool:
        return self._loop is not None

    def close(self) -> None:
        if self._loop is not None:
            self._loop.close()
            self._loop = None
