"""A running host, embedded or Azure Functions host, through its HTTP management API."""

from __future__ import annotations

import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, NoReturn
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

import click

from embedded_host.cli.command import CommandError, NotAllowedError, NotFoundError, no_instance
from embedded_host.cli.reader import Json, Page
from embedded_host.engine.status import FINISHED
from embedded_host.management.parameters import CONTINUATION_TOKEN_HEADER
from embedded_host.management.urls import WEBHOOK
from embedded_host.store.interface import InstanceQuery

TIMEOUT = 60.0
"""Seconds to wait for a response."""


@dataclass(frozen=True)
class ApiResponse:
    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
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
    def error_message(self) -> str:
        """The message of an error response, in any of its three formats (functions-host.md#transport)."""
        try:
            body = json.loads(self.text)
        except ValueError:
            return self.text.strip()[:500]
        if isinstance(body, dict):
            body = body.get("ExceptionMessage") or body.get("Message") or self.text[:500]
        return str(body)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the key must reach no other host than the given one."""

    def redirect_request(
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any
    ) -> None:
        return None


class ManagementClient:
    """Sends requests to one host. Its methods raise CommandError if the host does not respond or refuses the key."""

    def __init__(
        self,
        url: str,
        reached: str | None = None,
        code: str | None = None,
        hub: str | None = None,
        connection: str | None = None,
    ) -> None:
        """``url`` is the URL of the host, or of the management API as in an instance's links, whose query then counts too.
        ``reached`` is the address to connect to if it differs from ``url``."""
        base, query = _base(url)
        self.name = base
        self._base = base if reached in (None, url) else _base(reached or url)[0]
        self._code = code or query.get("code")
        parameters = {
            "taskHub": hub or query.get("taskhub"),
            "connection": connection or query.get("connection"),
        }
        self._parameters = {name: value for name, value in parameters.items() if value}
        handlers: list[type[urllib.request.BaseHandler] | urllib.request.BaseHandler] = [
            _NoRedirects
        ]
        if (urlsplit(self._base).hostname or "") in ("localhost", "127.0.0.1", "::1"):
            handlers.append(
                urllib.request.ProxyHandler({})
            )  # localhost of a proxy is another machine
        self._open = urllib.request.build_opener(*handlers).open

    @property
    def has_key(self) -> bool:
        return bool(self._code)

    def use(self, key: str) -> None:
        self._code = key

    # -- reading -----------------------------------------------------------------------------------

    def instance(
        self, instance_id: str, *, history: bool = False, diagnosis: bool = False
    ) -> Json | None:
        query = {"showInput": "true"}
        if history:
            query |= {"showHistory": "true", "showHistoryOutput": "true"}
        if diagnosis:
            query["showDiagnosis"] = "true"
        response = self.request("GET", f"/instances/{quote(instance_id, safe='')}", query)
        if response.status == 404:
            self._check_api_exists()
            return None
        self._expect(response, 200, 202)
        status: Json = response.json
        return status

    def instances(
        self, query: InstanceQuery, top: int, token: str | None = None, *, show_input: bool = False
    ) -> Page:
        parameters = {**_filter_parameters(query), "showInput": str(show_input).lower()}
        if query.id_prefix:
            parameters["instanceIdPrefix"] = query.id_prefix
        return self._page("/instances", parameters, top, token)

    def entities(self, name: str | None, top: int, token: str | None = None) -> Page:
        path = f"/entities/{quote(name, safe='')}" if name else "/entities"
        return self._page(path, {"fetchState": "true"}, top, token)

    def entity(self, name: str, key: str) -> tuple[bool, object]:
        response = self.request(
            "GET", f"/entities/{quote(name, safe='')}/{quote(key, safe='') or '$'}"
        )
        if response.status == 404:
            self._check_api_exists()
            return False, None
        self._expect(response, 200)
        return True, response.json

    def functions(self) -> list[Json]:
        """Return the list of ``/admin/functions``. Raises CommandError without the master key."""
        response = self._send("GET", "/admin/functions")
        if response.status in (401, 403):
            raise CommandError(
                f"{self.name} lists its functions only to those who have its master key (status {response.status}): give that with "
                "--code. [EH503]"
            )
        self._expect(response, 200)
        functions: list[Json] = response.json
        return functions

    def function_problem(self, name: str) -> str | None:
        """Return why a function is out of service; None if it is in service."""
        response = self._send("GET", f"/admin/functions/{quote(name, safe='')}/status")
        errors = response.json.get("errors") if response.status == 200 else None
        return " ".join(map(str, errors)) if errors else None

    def orchestrators(self) -> list[str]:
        """Return the durable names of the orchestrators. Raises CommandError without the master key."""
        return [
            str(binding.get("orchestration") or function["name"])
            for function in self.functions()
            for binding in (function.get("config") or {}).get("bindings") or ()
            if str(binding.get("type", "")).lower() == "orchestrationtrigger"
        ]

    # -- changing ----------------------------------------------------------------------------------

    def start(self, name: str, instance_id: str | None, input: str | None) -> Json:
        path = f"/orchestrators/{_part(name)}" + (f"/{_part(instance_id)}" if instance_id else "")
        response = self.request("POST", path, body=input or "")
        if response.status == 409:
            raise NotAllowedError(
                f"There is an instance '{instance_id}' already, which has not finished: {response.error_message} [EH513]"
            )
        if response.status == 404:
            self._check_api_exists()
        self._expect(response, 202)
        started: Json = response.json
        return started

    def operate(
        self, instance_id: str, operation: str, query: Mapping[str, str | None] = {}
    ) -> ApiResponse:
        """Send ``POST instances/{id}/{operation}``. Raises NotFoundError or NotAllowedError."""
        parameters = {name: value for name, value in query.items() if value is not None}
        return self._check_change(
            instance_id,
            self.request("POST", f"{self._instance(instance_id)}/{operation}", parameters, body=""),
        )

    def raise_event(self, instance_id: str, name: str, data: str) -> None:
        path = f"{self._instance(instance_id)}/raiseEvent/{_part(name)}"
        self._check_change(instance_id, self.request("POST", path, body=data))

    def purge(self, instance_id: str) -> int:
        response = self.request("DELETE", self._instance(instance_id))
        return int(self._check_change(instance_id, response).json["instancesDeleted"])

    def purge_many(self, query: InstanceQuery) -> int:
        response = self.request("DELETE", "/instances", _filter_parameters(query))
        if response.status == 404:
            self._check_api_exists()
            return 0
        self._expect(response, 200)
        return int(response.json["instancesDeleted"])

    def signal(self, name: str, key: str, operation: str, input: str) -> None:
        path = f"/entities/{_part(name)}/{_part(key)}"
        response = self.request("POST", path, {"op": operation}, body=input)
        if response.status == 400 and "not an entity function" in response.text:
            raise NotFoundError(f"{response.error_message} [EH511]")
        if response.status == 404:
            self._check_api_exists()
        self._expect(response, 202)

    # -- requests ----------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: str | None = None,
    ) -> ApiResponse:
        """``path`` follows the base of the management API. Raises CommandError without a response, or without a valid key."""
        response = self._send(
            method, WEBHOOK + path, {**(query or {}), **self._parameters}, body=body
        )
        if response.status in (401, 403):
            wrong = "does not take the key" if self._code else "wants a key"
            raise CommandError(
                f"{self.name} {wrong} (status {response.status}): give its system key durabletask_extension with --code, or in the "
                "variable EMBEDDED_HOST_CODE. Of a host of your own, embedded-host keys list shows it. [EH503]"
            )
        return response

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        token: str | None = None,
        body: str | None = None,
    ) -> ApiResponse:
        headers = {"x-functions-key": self._code} if self._code else {}
        if token:
            headers[CONTINUATION_TOKEN_HEADER] = token
        if body:
            headers["Content-Type"] = "application/json"
        data = None if body is None else body.encode()
        url = self._base + path + (f"?{urlencode(query)}" if query else "")
        try:
            request = urllib.request.Request(url, data, headers, method=method)
            with self._open(request, timeout=TIMEOUT) as received:
                return ApiResponse(
                    received.status,
                    _lower(received.headers),
                    received.read().decode("utf-8", "replace"),
                )
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (301, 302, 307, 308):
                    raise CommandError(
                        f"{self.name} sends elsewhere, to {error.headers['Location']}: name that with --url. [EH505]"
                    ) from None
                return ApiResponse(
                    error.code, _lower(error.headers), error.read().decode("utf-8", "replace")
                )
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = getattr(error, "reason", None) or error
            raise CommandError(
                f"{self.name} does not answer: {why}. Is the host running there? [EH501]"
            ) from error

    def _page(self, path: str, query: Mapping[str, str], top: int, token: str | None) -> Page:
        """Request pages until there are ``top`` items: pages of the Azure Functions host may be short although others follow."""
        items: list[Json] = []
        while True:
            parameters = {**query, "top": str(top - len(items))}
            response = self._send("GET", WEBHOOK + path, {**parameters, **self._parameters}, token)
            if response.status in (401, 403, 404):
                self.request("GET", path, parameters)  # raises the error for a missing key
                self._no_management()
            self._expect(response, 200)
            items += response.json
            before, token = token, response.headers.get(CONTINUATION_TOKEN_HEADER) or None
            if token in (None, before) or len(items) >= top:
                return Page(items, token)

    def _check_change(self, instance_id: str, response: ApiResponse) -> ApiResponse:
        if response.status in (404, 410) or (
            response.status == 400 and "No instance with ID" in response.text
        ):
            status = self.instance(instance_id)
            if status is None:
                raise no_instance(instance_id, self.name)
            if status["runtimeStatus"] in FINISHED:
                raise NotAllowedError(
                    f"The instance '{instance_id}' has finished: {status['runtimeStatus']}. [EH514]"
                )
        if response.status in (409, 412) or (
            response.status == 500 and "because instance is in the" in response.text
        ):
            raise NotAllowedError(f"{response.error_message} [EH514]")
        self._expect(response, 200, 202)
        return response

    def _check_api_exists(self) -> None:
        """Raise CommandError if a 404 means that there is no management API at all."""
        if self.request("GET", "/instances", {"top": "1", "showInput": "false"}).status == 404:
            self._no_management()

    def _no_management(self) -> NoReturn:
        raise CommandError(
            f"{self.name} has no Durable Functions management API: what answers there is another program. [EH504]"
        )

    def _expect(self, response: ApiResponse, *statuses: int) -> None:
        if response.status not in statuses:
            raise CommandError(
                f"{self.name} refused with status {response.status}: {response.error_message or 'it does not say why'} [EH506]"
            )

    @staticmethod
    def _instance(instance_id: str) -> str:
        return f"/instances/{quote(instance_id, safe='')}"


def _base(url: str) -> tuple[str, dict[str, str]]:
    """Return the URL of the host, without the management API's path, and the parameters by lower-case name."""
    if "://" not in url:
        local = url.startswith(("localhost", "127.", "[::1]"))
        url = f"{'http' if local else 'https'}://{url}"
    parts = _parts(url)
    path = parts.path.partition(WEBHOOK)[0].rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}", {
        name.lower(): value for name, value in parse_qsl(parts.query)
    }


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
    raise click.BadParameter(
        f"'{url}' is no URL of a host. Write http://localhost:7071.", param_hint="'--url'"
    )


def _part(text: str) -> str:
    """Return a segment of a path, encoded. The host splits a path at its slashes, encoded ones included (functions-host.md#start-an-instance)."""
    if "/" in text:
        raise click.UsageError(
            f"'{text}' has a slash, which no address of the management API can hold. Choose another name."
        )
    return quote(text, safe="")


def _lower(headers: Message) -> dict[str, str]:
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
