"""A running host, this one or a real Functions host, through its HTTP management API."""

from __future__ import annotations

import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

import click

from embedded_host.cli.command import CommandError, NotAllowedError, NotFoundError, no_instance
from embedded_host.cli.reader import Json, Page
from embedded_host.engine.status import FINISHED
from embedded_host.store.interface import InstanceQuery

WEBHOOK = "/runtime/webhooks/durabletask"
TOKEN = "x-ms-continuation-token"
PATIENCE = 60.0
"""Seconds to wait for an answer."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    text: str

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.text)
        except ValueError:
            raise CommandError(
                f"The host answered with what is not JSON: {self.text[:200]!r}. Is it a Functions host? [EH504]"
            ) from None

    @property
    def complaint(self) -> str:
        """What the host says is wrong, out of any of its three forms of error (contract, 1.1)."""
        try:
            body = json.loads(self.text)
        except ValueError:
            return self.text.strip()[:500]
        if isinstance(body, dict):
            body = body.get("ExceptionMessage") or body.get("Message") or self.text[:500]
        return str(body)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The key must go to no other host than the one that was named."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
        return None


class ManagementApi:
    """``url`` may be the host's or, as it stands in an instance's links, the management API's: its query then counts too.
    ``reached`` is where to connect to, if that is not ``url``."""

    def __init__(
        self,
        url: str,
        reached: str | None = None,
        code: str | None = None,
        hub: str | None = None,
        connection: str | None = None,
    ) -> None:
        base, query = _base(url)
        self.name = base
        self._base = base if reached in (None, url) else _base(reached or url)[0]
        self._code = code or query.get("code")
        parameters = {"taskHub": hub or query.get("taskhub"), "connection": connection or query.get("connection")}
        self._parameters = {name: value for name, value in parameters.items() if value}
        handlers: list[Any] = [_NoRedirects]
        if (urlsplit(self._base).hostname or "") in ("localhost", "127.0.0.1", "::1"):
            handlers.append(urllib.request.ProxyHandler({}))  # a proxy's localhost is another machine
        self._open = urllib.request.build_opener(*handlers).open

    @property
    def has_key(self) -> bool:
        return bool(self._code)

    def use(self, key: str) -> None:
        self._code = key

    # -- reading -----------------------------------------------------------------------------------

    def instance(self, instance_id: str, *, history: bool = False, diagnosis: bool = False) -> Json | None:
        query = {"showInput": "true"}
        if history:
            query |= {"showHistory": "true", "showHistoryOutput": "true"}
        if diagnosis:
            query["showDiagnosis"] = "true"
        answer = self.ask("GET", f"/instances/{quote(instance_id, safe='')}", query)
        if answer.status == 404:
            self._must_be_there()
            return None
        self._expect(answer, 200, 202)
        status: Json = answer.json
        return status

    def instances(self, query: InstanceQuery, top: int, token: str | None = None, *, show_input: bool = False) -> Page:
        asked = {**_filter_parameters(query), "showInput": str(show_input).lower()}
        if query.id_prefix:
            asked["instanceIdPrefix"] = query.id_prefix
        return self._page("/instances", asked, top, token)

    def entities(self, name: str | None, top: int, token: str | None = None) -> Page:
        path = f"/entities/{quote(name, safe='')}" if name else "/entities"
        return self._page(path, {"fetchState": "true"}, top, token)

    def entity(self, name: str, key: str) -> tuple[bool, Any]:
        answer = self.ask("GET", f"/entities/{quote(name, safe='')}/{quote(key, safe='') or '$'}")
        if answer.status == 404:
            self._must_be_there()
            return False, None
        self._expect(answer, 200)
        return True, answer.json

    def functions(self) -> list[Json]:
        """What ``/admin/functions`` lists. Raises CommandError where the key does not open it."""
        answer = self._ask("GET", "/admin/functions")
        if answer.status in (401, 403):
            raise CommandError(
                f"{self.name} lists its functions only to those who have its master key (status {answer.status}): give that with "
                "--code. [EH503]"
            )
        self._expect(answer, 200)
        found: list[Json] = answer.json
        return found

    def function_problem(self, name: str) -> str | None:
        """Why it is out of service; None if it is not."""
        answer = self._ask("GET", f"/admin/functions/{quote(name, safe='')}/status")
        errors = answer.json.get("errors") if answer.status == 200 else None
        return " ".join(map(str, errors)) if errors else None

    def orchestrators(self) -> list[str]:
        """Their durable names. Raises CommandError where the key does not open them."""
        return [
            str(binding.get("orchestration") or function["name"])
            for function in self.functions()
            for binding in (function.get("config") or {}).get("bindings") or ()
            if str(binding.get("type", "")).lower() == "orchestrationtrigger"
        ]

    # -- changing ----------------------------------------------------------------------------------

    def start(self, name: str, instance_id: str | None, input: str | None) -> Json:
        path = f"/orchestrators/{_part(name)}" + (f"/{_part(instance_id)}" if instance_id else "")
        answer = self.ask("POST", path, body=input or "")
        if answer.status == 409:
            raise NotAllowedError(
                f"There is an instance '{instance_id}' already, which has not finished: {answer.complaint} [EH513]"
            )
        if answer.status == 404:
            self._must_be_there()
        self._expect(answer, 202)
        started: Json = answer.json
        return started

    def operate(self, instance_id: str, operation: str, query: Mapping[str, str | None] = {}) -> Answer:
        """``POST instances/{id}/{operation}``. Raises NotFoundError or NotAllowedError."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._changed(
            instance_id, self.ask("POST", f"{self._instance(instance_id)}/{operation}", given, body="")
        )

    def raise_event(self, instance_id: str, name: str, data: str) -> None:
        path = f"{self._instance(instance_id)}/raiseEvent/{_part(name)}"
        self._changed(instance_id, self.ask("POST", path, body=data))

    def purge(self, instance_id: str) -> int:
        answer = self.ask("DELETE", self._instance(instance_id))
        return int(self._changed(instance_id, answer).json["instancesDeleted"])

    def purge_many(self, query: InstanceQuery) -> int:
        answer = self.ask("DELETE", "/instances", _filter_parameters(query))
        if answer.status == 404:
            self._must_be_there()
            return 0
        self._expect(answer, 200)
        return int(answer.json["instancesDeleted"])

    def signal(self, name: str, key: str, operation: str, input: str) -> None:
        path = f"/entities/{_part(name)}/{_part(key)}"
        answer = self.ask("POST", path, {"op": operation}, body=input)
        if answer.status == 400 and "not an entity function" in answer.text:
            raise NotFoundError(f"{answer.complaint} [EH511]")
        if answer.status == 404:
            self._must_be_there()
        self._expect(answer, 202)

    # -- requests ----------------------------------------------------------------------------------

    def ask(self, method: str, path: str, query: Mapping[str, str] | None = None, *, body: str | None = None) -> Answer:
        """``path`` is what follows the management API's base. Raises CommandError if nobody answers, or for want of a key."""
        answer = self._ask(method, WEBHOOK + path, {**(query or {}), **self._parameters}, body=body)
        if answer.status in (401, 403):
            wrong = "does not take the key" if self._code else "wants a key"
            raise CommandError(
                f"{self.name} {wrong} (status {answer.status}): give its system key durabletask_extension with --code, or in the "
                "variable EMBEDDED_HOST_CODE. Of a host of your own, embedded-host keys list shows it. [EH503]"
            )
        return answer

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        token: str | None = None,
        body: str | None = None,
    ) -> Answer:
        headers = {"x-functions-key": self._code} if self._code else {}
        if token:
            headers[TOKEN] = token
        if body:
            headers["Content-Type"] = "application/json"
        data = None if body is None else body.encode()
        url = self._base + path + (f"?{urlencode(query)}" if query else "")
        try:
            request = urllib.request.Request(url, data, headers, method=method)
            with self._open(request, timeout=PATIENCE) as got:
                return Answer(got.status, _lower(got.headers), got.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as got:
            with got:
                if got.code in (301, 302, 307, 308):
                    raise CommandError(
                        f"{self.name} sends elsewhere, to {got.headers['Location']}: name that with --url. [EH505]"
                    ) from None
                return Answer(got.code, _lower(got.headers), got.read().decode("utf-8", "replace"))
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = getattr(error, "reason", None) or error
            raise CommandError(f"{self.name} does not answer: {why}. Is the host running there? [EH501]") from error

    def _page(self, path: str, query: Mapping[str, str], top: int, token: str | None) -> Page:
        """A real host's page may hold less than was asked for, or nothing, and more come after it: as many as it takes."""
        items: list[Json] = []
        while True:
            asked = {**query, "top": str(top - len(items))}
            answer = self._ask("GET", WEBHOOK + path, {**asked, **self._parameters}, token)
            if answer.status in (401, 403, 404):
                self.ask("GET", path, asked)  # its words for the lack of a key
                self._no_management()
            self._expect(answer, 200)
            items += answer.json
            before, token = token, answer.headers.get(TOKEN) or None
            if token in (None, before) or len(items) >= top:
                return Page(items, token)

    def _changed(self, instance_id: str, answer: Answer) -> Answer:
        if answer.status in (404, 410) or (answer.status == 400 and "No instance with ID" in answer.text):
            status = self.instance(instance_id)
            if status is None:
                raise no_instance(instance_id, self.name)
            if status["runtimeStatus"] in FINISHED:
                raise NotAllowedError(f"The instance '{instance_id}' has finished: {status['runtimeStatus']}. [EH514]")
        if answer.status in (409, 412) or (answer.status == 500 and "because instance is in the" in answer.text):
            raise NotAllowedError(f"{answer.complaint} [EH514]")
        self._expect(answer, 200, 202)
        return answer

    def _must_be_there(self) -> None:
        """After a 404, which may also mean that there is no management API at all."""
        if self.ask("GET", "/instances", {"top": "1", "showInput": "false"}).status == 404:
            self._no_management()

    def _no_management(self) -> NoReturn:
        raise CommandError(
            f"{self.name} has no Durable Functions management API: what answers there is another program. [EH504]"
        )

    def _expect(self, answer: Answer, *statuses: int) -> None:
        if answer.status not in statuses:
            raise CommandError(
                f"{self.name} refused with status {answer.status}: {answer.complaint or 'it does not say why'} [EH506]"
            )

    @staticmethod
    def _instance(instance_id: str) -> str:
        return f"/instances/{quote(instance_id, safe='')}"


def _base(url: str) -> tuple[str, dict[str, str]]:
    """Without the management API's path, and the query by lower-case name."""
    if "://" not in url:
        local = url.startswith(("localhost", "127.", "[::1]"))
        url = f"{'http' if local else 'https'}://{url}"
    parts = _parts(url)
    path = parts.path.partition(WEBHOOK)[0].rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}", {name.lower(): value for name, value in parse_qsl(parts.query)}


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_host = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        if is_host and not re.search(
            r"[\s@]", parts.netloc
        ):  # nor a user with a password: no Functions host asks for one
            return parts
    except ValueError:  # an address in broken brackets, a port that is no number
        pass
    raise click.BadParameter(f"'{url}' is no URL of a host. Write http://localhost:7071.", param_hint="'--url'")


def _part(text: str) -> str:
    """Of a path, which the host takes apart at its slashes, encoded ones included (contract, 1.3)."""
    if "/" in text:
        raise click.UsageError(
            f"'{text}' has a slash, which no address of the management API can hold. Choose another name."
        )
    return quote(text, safe="")


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _filter_parameters(query: InstanceQuery) -> dict[str, str]:
    parameters = {}
    if query.created_from:
        parameters["createdTimeFrom"] = query.created_from.isoformat().replace("+00:00", "Z")
    if query.created_to:
        parameters["createdTimeTo"] = query.created_to.isoformat().replace("+00:00", "Z")
    if query.statuses:
        parameters["runtimeStatus"] = ",".join(query.statuses)
    return parameters
