"""What stands in for an app's functions and for the sites that it calls."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from embedded_host.engine.failures import UserError
from embedded_host.engine.json_codec import compact


class _Unset:
    def __repr__(self) -> str:
        return "nothing"


UNSET: Any = _Unset()
OWN: Any = _Unset()
"""What a fake answers when the app's own function is to run."""
Failure = BaseException | type[BaseException]


@dataclass
class Fake:
    """Stands in for a function. ``calls`` has the input of each call, in order, those that failed included; for an entity
    ``(operation, input)``."""

    name: str
    kind: str
    """``activity``, ``orchestrator`` or ``entity``"""
    using: Callable[..., Any] | None = None
    result: Any = UNSET
    results: Sequence[Any] | None = None
    raises: Failure | None = None
    fails: int = 0
    calls: list[Any] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How often it was called."""
        return len(self.calls)

    def reset(self) -> None:
        """Count from zero again, and fail and answer as at first."""
        self.calls.clear()

    async def answer(self, *arguments: Any) -> Any:
        """The result, or OWN. Raises what it is to raise."""
        self.calls.append(arguments[0] if len(arguments) == 1 else arguments)
        if self.count <= self.fails:
            raise self._failure(f"'{self.name}' fails on purpose ({self.count} of {self.fails})")
        if self.using is not None:
            made = self.using(*arguments)
            return await made if inspect.isawaitable(made) else made
        if self.results is not None:
            at = self.count - self.fails - 1
            if at >= len(self.results):
                raise AssertionError(
                    f"'{self.name}' was called {self.count} times, but its fake has {len(self.results)} results [EH608]"
                )
            made = self.results[at]
            if isinstance(made, BaseException) or (isinstance(made, type) and issubclass(made, BaseException)):
                raise made
            return made
        if self.result is not UNSET:
            return self.result
        if self.raises is not None and not self.fails:
            raise self._failure("")
        return OWN

    def _failure(self, text: str) -> BaseException:
        if self.raises is None:
            return RuntimeError(text)
        if isinstance(self.raises, type):
            return self.raises(text or f"'{self.name}' fails on purpose")
        return self.raises


@dataclass
class HttpFake:
    """Answers ``call_http``. ``calls`` has each request: ``{"method", "uri", "headers", "content"}``."""

    url: str
    method: str | None = None
    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    raises: Failure | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.calls)

    def reset(self) -> None:
        self.calls.clear()

    def fits(self, method: str, url: str) -> bool:
        return (self.method is None or self.method.upper() == method.upper()) and (
            self.url == url or fnmatchcase(url, self.url)
        )

    def answer(self, request: dict[str, Any]) -> str | UserError:
        """As the history keeps it."""
        self.calls.append(request)
        if self.raises is not None:
            error = self.raises() if isinstance(self.raises, type) else self.raises
            return UserError(type(error).__name__, str(error))
        content = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return compact({"statusCode": self.status, "headers": self.headers, "content": content})


def http_answer(fakes: Iterable[HttpFake], text: str) -> str | UserError:
    """The answer of the fake that was set last among those that fit. No request ever leaves a test."""
    request: dict[str, Any] = json.loads(text)
    method, url = str(request["method"]), str(request["uri"])
    fitting = [fake for fake in fakes if fake.fits(method, url)]
    if not fitting:
        return UserError(
            "LookupError",
            f"the test has no answer for {method} {url}: give it one with app.fake_http({url!r}, body=...)",
        )
    return fitting[-1].answer(request)
