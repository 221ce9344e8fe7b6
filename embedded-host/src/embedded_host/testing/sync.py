"""Derivation of the synchronous app from the asynchronous app.

For example: ``run = Synchronous(DurableApp.run)``.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from embedded_host.testing.traceback import is_raised_by_kit, user_traceback

__tracebackhide__ = True

App = TypeVar("App")
App_co = TypeVar("App_co", covariant=True)
P = ParamSpec("P")
T = TypeVar("T")


class SynchronousTwin(Protocol[App_co]):
    """An app that runs the coroutines of its asynchronous twin."""

    @property
    def asynchronous(self) -> App_co:
        """The asynchronous twin."""

    def run_async(self, coroutine: Coroutine[None, None, T]) -> T:
        """Run a coroutine and return its result."""


class Synchronous(Generic[App, P, T]):
    """A descriptor that converts a coroutine method of ``App`` to a method of the synchronous twin.

    The method has the same parameters, result and docstring, for type checkers and at run time.
    """

    def __init__(self, method: Callable[Concatenate[App, P], Coroutine[None, None, T]]) -> None:
        @functools.wraps(method)
        def call(app: SynchronousTwin[App], /, *arguments: P.args, **options: P.kwargs) -> T:
            return app.run_async(method(app.asynchronous, *arguments, **options))

        self._call = call

    @overload
    def __get__(
        self, app: None, owner: type
    ) -> Callable[Concatenate[SynchronousTwin[App], P], T]: ...

    @overload
    def __get__(self, app: SynchronousTwin[App], owner: type) -> Callable[P, T]: ...

    def __get__(
        self, app: SynchronousTwin[App] | None, owner: type
    ) -> Callable[Concatenate[SynchronousTwin[App], P], T] | Callable[P, T]:
        return self._call if app is None else functools.partial(self._call, app)


class EventLoop:
    """An event loop for callers that are not coroutines.

    No task runs between two calls of ``run``.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, coroutine: Coroutine[None, None, T]) -> T:
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
                "durable_app.sync cannot be used in an async test. Use durable_app itself, for "
                "example: await durable_app.run(...) [EH609]"
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
        """True from the first ``run`` until ``close``."""
        return self._loop is not None

    def close(self) -> None:
        """Close the event loop. The next ``run`` opens a new event loop."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None
