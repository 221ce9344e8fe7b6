"""Fakes and spies of functions, and fakes of the sites that the app calls. Their interface is that of ``unittest.mock``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NoReturn, TypeGuard
from unittest.mock import DEFAULT

from embedded_host.engine.failures import UserError
from embedded_host.engine.json_codec import compact
from embedded_host.testing.errors import FakeCallsError

__tracebackhide__ = True

Failure = BaseException | type[BaseException]
"""An exception, or its class."""
SideEffect = Callable[..., Any] | Failure | Iterable[Any]
"""A function, which may be a coroutine function or a Mock; an exception; or an iterable of results and exceptions."""


class _CallOriginal:
    def __repr__(self) -> str:
        return "CALL_ORIGINAL"


CALL_ORIGINAL: Any = _CallOriginal()
"""The answer of a fake that leaves a call to the app's own function."""


class Fake:
    """A replacement of an activity, sub-orchestrator or entity.

    ``return_value`` and ``side_effect`` mean the same as in ``unittest.mock.Mock`` and can be set at any time. A
    ``side_effect`` function has one argument, the input; an entity's has two, the operation and its input.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        *,
        return_value: Any = None,
        side_effect: SideEffect | None = None,
        failures: Sequence[Failure] = (),
        is_spy: bool = False,
    ) -> None:
        self.name = name
        """The function's name."""
        self.kind = kind
        """``activity``, ``orchestrator`` or ``entity``."""
        self.return_value = return_value
        """The result, unless ``side_effect`` has another one."""
        self.side_effect = side_effect
        self.calls: list[Any] = []
        """The input of each call, failed calls included. For an entity a tuple ``(operation, input)``."""
        self._failures = tuple(failures)
        self._is_spy = is_spy

    def __repr__(self) -> str:
        return f"<{'spy' if self._is_spy else 'fake'} of the {self.kind} '{self.name}', called {self._times}>"

    @property
    def side_effect(self) -> SideEffect | None:
        """A function to call, an exception to raise, or an iterable with one result or exception for each call.

        A function that returns ``unittest.mock.DEFAULT`` leaves the result to ``return_value``."""
        return self._side_effect

    @side_effect.setter
    def side_effect(self, effect: SideEffect | None) -> None:
        self._side_effect = effect
        self._values = _values(effect)

    @property
    def called(self) -> bool:
        """Whether it was called."""
        return bool(self.calls)

    @property
    def call_count(self) -> int:
        """The number of calls."""
        return len(self.calls)

    def reset(self) -> None:
        """Forget the calls. The failures and a sequence in ``side_effect`` begin again."""
        self.calls.clear()
        self._values = _values(self._side_effect)

    # -- assertions --------------------------------------------------------------------------------

    def assert_called(self) -> None:
        """Raises FakeCallsError if it was not called."""
        if not self.calls:
            self._fail("to have been called")

    def assert_not_called(self) -> None:
        """Raises FakeCallsError if it was called."""
        if self.calls:
            self._fail("not to have been called")

    def assert_called_once(self) -> None:
        """Raises FakeCallsError unless it was called exactly once."""
        if len(self.calls) != 1:
            self._fail("to have been called once")

    def assert_called_with(self, *arguments: Any) -> None:
        """Compare the last call with an input (for an entity: an operation and its input). Raises FakeCallsError."""
        if self.calls[-1:] != [_recorded(arguments)]:
            self._fail(f"to have been called last with {_recorded(arguments)!r}")

    def assert_called_once_with(self, *arguments: Any) -> None:
        """Raises FakeCallsError unless it was called exactly once, and with this input."""
        if self.calls != [_recorded(arguments)]:
            self._fail(f"to have been called once with {_recorded(arguments)!r}")

    def assert_any_call(self, *arguments: Any) -> None:
        """Raises FakeCallsError if no call had this input."""
        if _recorded(arguments) not in self.calls:
            self._fail(f"to have been called with {_recorded(arguments)!r}")

    def _fail(self, expectation: str) -> NoReturn:
        calls = f": {self.calls!r}" if self.calls else ""
        raise FakeCallsError(
            f"Expected '{self.name}' {expectation}. It was called {self._times}{calls}. [EH608]"
        )

    @property
    def _times(self) -> str:
        count = len(self.calls)
        return "once" if count == 1 else f"{count} times"

    # -- answers -----------------------------------------------------------------------------------

    async def _answer(self, arguments: tuple[Any, ...]) -> Any:
        self.calls.append(_recorded(arguments))
        if len(self.calls) <= len(self._failures):
            raise self._failures[len(self.calls) - 1]
        if self._is_spy:
            return CALL_ORIGINAL
        result = await self._side_effect_of(arguments)
        return self.return_value if result is DEFAULT else result

    async def _side_effect_of(self, arguments: tuple[Any, ...]) -> Any:
        effect = self._side_effect
        if effect is None:
            return DEFAULT
        if _is_failure(effect):
            raise effect
        if callable(effect):
            result = effect(*arguments)
            return await result if inspect.isawaitable(result) else result
        assert self._values is not None
        try:
            result = next(self._values)
        except StopIteration:
            raise FakeCallsError(
                f"'{self.name}' was called {self._times}, more often than its side_effect has values. [EH608]"
            ) from None
        if _is_failure(result):
            raise result
        return result


async def fake_answer(fake: Fake, *arguments: Any) -> Any:
    """Return the result of a call, or CALL_ORIGINAL. Raises the failure that the test set."""
    return await fake._answer(arguments)


def _recorded(arguments: tuple[Any, ...]) -> Any:
    return arguments[0] if len(arguments) == 1 else arguments


def _values(effect: SideEffect | None) -> Iterator[Any] | None:
    if effect is None or callable(effect) or isinstance(effect, BaseException):
        return None
    return iter(effect)


def _is_failure(value: object) -> TypeGuard[Failure]:
    return isinstance(value, BaseException) or (
        isinstance(value, type) and issubclass(value, BaseException)
    )


@dataclass(frozen=True)
class HttpRequest:
    """A request of ``context.call_http``."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: str | None


class HttpFake:
    """Answers ``context.call_http`` for the URLs that match a pattern."""

    def __init__(
        self,
        url: str,
        *,
        method: str | None = None,
        status: int = 200,
        body: Any = "",
        headers: Mapping[str, str] | None = None,
        side_effect: Failure | None = None,
    ) -> None:
        self.url, self.method = url, method
        self.status, self.body, self.headers = status, body, dict(headers or {})
        self.side_effect = side_effect
        """An exception instead of a response."""
        self.calls: list[HttpRequest] = []
        """The requests, in order."""

    @property
    def called(self) -> bool:
        """Whether it was called."""
        return bool(self.calls)

    @property
    def call_count(self) -> int:
        """The number of calls."""
        return len(self.calls)

    def reset(self) -> None:
        """Forget the calls."""
        self.calls.clear()

    def _matches(self, request: HttpRequest) -> bool:
        """Compare method and URL; a ``*`` in the pattern matches any characters."""
        return (self.method is None or self.method.upper() == request.method.upper()) and (
            self.url == request.url or fnmatchcase(request.url, self.url)
        )

    def _answer(self, request: HttpRequest) -> str | UserError:
        """Return the response's JSON as the history records it, or the failure."""
        self.calls.append(request)
        if self.side_effect is not None:
            error = self.side_effect() if isinstance(self.side_effect, type) else self.side_effect
            return UserError(type(error).__name__, str(error))
        content = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return compact({"statusCode": self.status, "headers": self.headers, "content": content})


def http_answer(fakes: Iterable[HttpFake], text: str) -> str | UserError:
    """Answer a recorded request with the last fake that matches. Without one the call fails: no request leaves the test."""
    document = json.loads(text)
    request = HttpRequest(
        str(document["method"]),
        str(document["uri"]),
        document.get("headers") or {},
        document.get("content"),
    )
    matching = [fake for fake in fakes if fake._matches(request)]
    if not matching:
        return UserError(
            "LookupError",
            f"no fake answers {request.method} {request.url}: set one with app.fake_http({request.url!r}, body=...)",
        )
    return matching[-1]._answer(request)
