"""Fakes and spies of functions, and fakes of HTTP endpoints.

The interface follows ``unittest.mock``.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any, Final, NoReturn, Protocol, TypeGuard
from unittest.mock import DEFAULT

from embedded_host.engine.failures import UserError
from embedded_host.engine.json_codec import compact
from embedded_host.testing.errors import FakeCallsError

__tracebackhide__ = True

BUILT_IN_HTTP_ACTIVITY = "BuiltIn__HttpActivity"
"""The activity of SDK 2.x that sends the requests of ``call_http``."""
BUILT_IN_HTTP_ORCHESTRATOR = "BuiltIn__HttpPollOrchestrator"
"""The orchestrator of SDK 2.x that ``call_http`` starts."""
Failure = BaseException | type[BaseException]
"""An exception, or an exception class."""


class SideEffectFunction(Protocol):
    """A function, coroutine function or Mock of the test, with parameters of any types."""

    def __call__(self, *arguments: Any, **options: Any) -> object:
        """Return the result of a call, or an awaitable of the result."""


SideEffect = SideEffectFunction | Failure | Iterable[object]
"""A function to call, an exception to raise, or an iterable of results and exceptions."""


class Delegation(Enum):
    """The type of ``CALL_ORIGINAL``."""

    CALL_ORIGINAL = "call the app's own function"


CALL_ORIGINAL: Final = Delegation.CALL_ORIGINAL
"""The value that a fake returns if the app's own function must run."""


class Fake:
    """A replacement or a spy of an activity, sub-orchestrator or entity.

    ``DurableApp.fake`` and ``DurableApp.spy`` create fakes. ``return_value`` and ``side_effect``
    have the same meaning as in ``unittest.mock.Mock`` and can be set at any time. A function in
    ``side_effect`` has one parameter, the input. For an entity, the function has two parameters:
    the operation's name and the operation's input.

    Example:
        ```python
        charge = durable_app.fake("ChargeCard", return_value="paid")
        await durable_app.run("OrderFlow", {"item": "book"})
        charge.assert_called_once_with({"item": "book"})
        ```
    """

    def __init__(
        self,
        name: str,
        kind: str,
        *,
        return_value: object = None,
        side_effect: SideEffect | None = None,
        failures: Sequence[Failure] = (),
        is_spy: bool = False,
    ) -> None:
        """Create a fake that no app uses yet.

        Args:
            name: The function's name.
            kind: ``activity``, ``orchestrator`` or ``entity``.
            return_value: The result of each call.
            side_effect: A function, an exception or an iterable. See the property.
            failures: Exceptions. Each of the first calls raises one of them, in order.
            is_spy: If True, run the app's own function instead of returning ``return_value``.
        """
        self.name = name
        """The function's name."""
        self.kind = kind
        """``activity``, ``orchestrator`` or ``entity``."""
        self.return_value = return_value
        """The result of each call for which ``side_effect`` has no result."""
        self.side_effect = side_effect
        self.calls: list[Any] = []
        """The input of each call, in order, including failed calls.

        For an entity, each item is a tuple ``(operation, input)``.
        """
        self._failures = tuple(failures)
        self._is_spy = is_spy

    def __repr__(self) -> str:
        kind = "spy" if self._is_spy else "fake"
        return f"<{kind} of the {self.kind} '{self.name}', called {self._times}>"

    @property
    def side_effect(self) -> SideEffect | None:
        """A function to call, an exception to raise, or an iterable.

        An iterable has one result or exception for each call. If a function returns
        ``unittest.mock.DEFAULT``, the result of the call is ``return_value``.
        """
        return self._side_effect

    @side_effect.setter
    def side_effect(self, effect: SideEffect | None) -> None:
        self._side_effect = effect
        self._values = _values(effect)

    @property
    def called(self) -> bool:
        """True if there was a call."""
        return bool(self.calls)

    @property
    def call_count(self) -> int:
        """The number of calls."""
        return len(self.calls)

    def reset(self) -> None:
        """Delete the recorded calls, and restart ``failures`` and ``side_effect``.

        However, an iterator in ``side_effect`` continues with its next value.
        """
        self.calls.clear()
        self._values = _values(self._side_effect)

    # -- assertions --------------------------------------------------------------------------------

    def assert_called(self) -> None:
        """Assert that there was a call.

        Raises:
            FakeCallsError: There was no call.
        """
        if not self.calls:
            self._fail("to have been called")

    def assert_not_called(self) -> None:
        """Assert that there was no call.

        Raises:
            FakeCallsError: There was a call.
        """
        if self.calls:
            self._fail("not to have been called")

    def assert_called_once(self) -> None:
        """Assert that there was exactly one call.

        Raises:
            FakeCallsError: There was no call, or more than one.
        """
        if len(self.calls) != 1:
            self._fail("to have been called once")

    def assert_called_with(self, *arguments: object) -> None:
        """Assert that the last call had this input.

        Args:
            *arguments: The input. For an entity, the operation's name and the operation's input.

        Raises:
            FakeCallsError: The last call had another input, or there was no call.
        """
        if self.calls[-1:] != [_recorded(arguments)]:
            self._fail(f"to have been called last with {_recorded(arguments)!r}")

    def assert_called_once_with(self, *arguments: object) -> None:
        """Assert that there was exactly one call, and that it had this input.

        Args:
            *arguments: The input. For an entity, the operation's name and the operation's input.

        Raises:
            FakeCallsError: The call had another input, or there was not exactly one call.
        """
        if self.calls != [_recorded(arguments)]:
            self._fail(f"to have been called once with {_recorded(arguments)!r}")

    def assert_any_call(self, *arguments: object) -> None:
        """Assert that at least one call had this input.

        Args:
            *arguments: The input. For an entity, the operation's name and the operation's input.

        Raises:
            FakeCallsError: No call had this input.
        """
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

    # -- calls -------------------------------------------------------------------------------------

    async def _call(self, arguments: tuple[object, ...]) -> object:
        self.calls.append(_recorded(arguments))
        if len(self.calls) <= len(self._failures):
            raise self._failures[len(self.calls) - 1]
        if self._is_spy:
            return CALL_ORIGINAL
        result = await self._side_effect_of(arguments)
        return self.return_value if result is DEFAULT else result

    async def _side_effect_of(self, arguments: tuple[object, ...]) -> object:
        effect = self._side_effect
        if effect is None:
            return DEFAULT
        if _is_failure(effect):
            raise effect
        if callable(effect):
            result: object = effect(*arguments)
            if inspect.isawaitable(result):
                result = await result
            return result
        assert self._values is not None
        try:
            result = next(self._values)
        except StopIteration:
            raise FakeCallsError(
                f"'{self.name}' was called {self._times}, but its side_effect has fewer values. "
                "[EH608]"
            ) from None
        if _is_failure(result):
            raise result
        return result


async def call_fake(fake: Fake, *arguments: object) -> object:
    """Return the result of a call, or CALL_ORIGINAL. Raises the failure that the test has set."""
    return await fake._call(arguments)


def _recorded(arguments: tuple[object, ...]) -> object:
    return arguments[0] if len(arguments) == 1 else arguments


def _values(effect: SideEffect | None) -> Iterator[object] | None:
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
    """The HTTP method, for example ``GET``."""
    url: str
    """The URL, with its query."""
    headers: Mapping[str, str]
    """The request's headers. Their names are spelled as in the orchestrator."""
    content: str | None
    """The request body, or None."""


class HttpFake:
    """The response to requests of ``context.call_http`` whose URL matches a pattern.

    ``DurableApp.fake_http`` creates objects of this class.
    """

    def __init__(
        self,
        url: str,
        *,
        method: str | None = None,
        status: int = 200,
        body: object = "",
        headers: Mapping[str, str] | None = None,
        side_effect: Failure | None = None,
    ) -> None:
        """Create a fake that no app uses yet.

        Args:
            url: The URL, in which ``*`` matches any characters.
            method: The HTTP method, or None for every method.
            status: The response's status code.
            body: The response body. A value that is not a str is sent as JSON.
            headers: The response's headers.
            side_effect: An exception or exception class. The request fails with this exception.
        """
        self.url = url
        """The URL, in which ``*`` matches any characters."""
        self.method = method
        """The HTTP method, or None for every method."""
        self.status = status
        """The response's status code."""
        self.body = body
        """The response body. A value that is not a str is sent as JSON."""
        self.headers = dict(headers or {})
        """The response's headers."""
        self.side_effect = side_effect
        """An exception or exception class. The request fails with this exception."""
        self.calls: list[HttpRequest] = []
        """The requests, in order."""

    @property
    def called(self) -> bool:
        """True if there was a request."""
        return bool(self.calls)

    @property
    def call_count(self) -> int:
        """The number of requests."""
        return len(self.calls)

    def reset(self) -> None:
        """Delete the recorded requests."""
        self.calls.clear()

    def _matches(self, request: HttpRequest) -> bool:
        return (self.method is None or self.method.upper() == request.method.upper()) and (
            self.url == request.url or fnmatchcase(request.url, self.url)
        )

    def _respond(self, request: HttpRequest) -> HttpFake | UserError:
        """Record a request. Return the response, or the failure of the request."""
        self.calls.append(request)
        if self.side_effect is not None:
            error = self.side_effect() if isinstance(self.side_effect, type) else self.side_effect
            return UserError(type(error).__name__, str(error))
        return self


def fake_http_response(fakes: Iterable[HttpFake], request_json: str) -> str | UserError:
    """Return the response of the last fake that matches a recorded request.

    If no fake matches, return a failure. Nothing is sent over the network.
    """
    response = _fake_response(fakes, request_json)
    if isinstance(response, UserError):
        return response
    return compact({"statusCode": response.status, **_content(response)})


def fake_http_activity(fakes: Iterable[HttpFake], request_json: str) -> str | UserError:
    """Return the result of the activity ``BuiltIn__HttpActivity`` for a request."""
    response = _fake_response(fakes, request_json)
    if isinstance(response, UserError):
        return response
    return compact({"status_code": response.status, **_content(response)})


def _content(response: HttpFake) -> dict[str, object]:
    body = response.body if isinstance(response.body, str) else json.dumps(response.body)
    return {"headers": response.headers, "content": body}


def _fake_response(fakes: Iterable[HttpFake], request_json: str) -> HttpFake | UserError:
    """Return the last fake that matches a request, or the failure of the request."""
    document = json.loads(request_json)
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
            f"no fake matches {request.method} {request.url}: "
            f"set a fake with app.fake_http({request.url!r}, body=...)",
        )
    return matching[-1]._respond(request)
