"""The client of the management API of a running embedded host or Azure Functions host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import quote

import click

from embedded_host.app.definitions import is_built_in
from embedded_host.cli.api_response import ApiResponse
from embedded_host.cli.command import CommandError, NotAllowedError, NotFoundError, no_instance
from embedded_host.cli.host_connection import HostConnection
from embedded_host.cli.reader import EntityState, InstanceStatus, Json, Page
from embedded_host.engine.events import HistoryEvent, decode_events
from embedded_host.management.parameters import CONTINUATION_TOKEN_HEADER
from embedded_host.management.urls import WEBHOOK
from embedded_host.store.interface import InstanceQuery


@dataclass(frozen=True)
class HostFunction:
    """A function in the list of ``/admin/functions``."""

    name: str
    bindings: Sequence[Json]
    url: str | None
    is_disabled: bool


class ManagementClient:
    """A client of one host's management API.

    Methods raise CommandError if the host does not respond, refuses the request, or has no
    management API.
    """

    def __init__(self, host: HostConnection) -> None:
        """Create a client that sends its requests to ``host``."""
        self._host, self.name = host, host.name

    @property
    def has_key(self) -> bool:
        """True if requests have an access key."""
        return self._host.has_key

    def use(self, key: str) -> None:
        """Send an access key with all further requests."""
        self._host.use(key)

    # -- reading -----------------------------------------------------------------------------------

    def instance(
        self, instance_id: str, *, history: bool = False, diagnosis: bool = False
    ) -> InstanceStatus | None:
        """Return the status of an instance, or None (see Reader)."""
        query = {"showInput": "true"}
        if history:
            # The embedded host returns retried calls of SDK 2.x only with showRetries.
            query |= {"showHistory": "true", "showHistoryOutput": "true", "showRetries": "true"}
        if diagnosis:
            query["showDiagnosis"] = "true"
        response = self.request("GET", self._instance(instance_id), query)
        if response.status == 404:
            self._check_api_exists()
            return None
        if history and response.status == 400 and "Key: TaskScheduled_" in response.text:
            raise CommandError(
                f"{self.name} cannot return the history of '{instance_id}', because a call was "
                "retried. The Azure Functions host has this limitation with SDK 2.x. For the "
                f"status, use embedded-host get-runtime-status --id {instance_id} [EH506]"
            )
        self._host.expect(response, 200, 202)
        return InstanceStatus(response.json_object())

    def tree(self, instance_id: str) -> Json | None:
        """Return the tree of an orchestration, or None if it does not exist (see Reader)."""
        path = f"/dashboard/api{self._instance(instance_id)}/tree"
        response = self._host.send("GET", path, self._host.parameters)
        if response.status in (401, 403):
            self._refuse_key(response)
        if response.status == 404:
            if self.instance(instance_id) is None or instance_id.startswith("@"):
                return None
            if "[EH338]" in response.text:  # the instance is in another task hub of the host
                raise CommandError(
                    f"{self.name} returns trees of its app's task hub only. Read the state file "
                    "with --state and --task-hub-name. [EH338]"
                )
            raise CommandError(
                f"{self.name} is not an embedded host, so it has no tree of instances. Read the "
                f"history instead: embedded-host get-history --id {instance_id} [EH509]"
            )
        self._host.expect(response, 200)
        return response.json_object()

    def recorded_history(self, instance_id: str) -> list[HistoryEvent]:
        """Return the events with their private fields, or an empty list (see Reader)."""
        query = {"id": instance_id, "part": "history", **self._host.parameters}
        response = self._host.send("GET", "/dashboard/api/value", query)
        if response.status != 200:
            # The host is of another kind, or the key does not allow the request.
            return []
        try:
            return decode_events(response.text)
        except ValueError:
            return []

    def instances(
        self,
        query: InstanceQuery,
        top: int,
        token: str | None = None,
        *,
        show_input: bool = False,
        order: str | None = None,
    ) -> Page[InstanceStatus]:
        """Return up to ``top`` instances that match a query (see Reader)."""
        from embedded_host.cli import found_instances as found

        if found.needs_search(query, order):
            return found.found_on_host(self._dashboard_list, query, order, top, token)
        parameters = {**_filter_parameters(query), "showInput": str(show_input).lower()}
        if query.id_prefix:
            parameters["instanceIdPrefix"] = query.id_prefix
        items, token = self._page("/instances", parameters, top, token)
        return Page([InstanceStatus(item) for item in items], token)

    def _dashboard_list(self, parameters: Mapping[str, str]) -> Json:
        from embedded_host.cli.found_instances import DASHBOARD_LIST

        response = self._host.send("GET", DASHBOARD_LIST, {**parameters, **self._host.parameters})
        if response.status in (401, 403):
            self.request("GET", "/instances", {"top": "1"})  # raises the error for a missing key
        if response.status == 404 and "[EH" not in response.text:
            # The response is not that of an embedded host.
            raise CommandError(
                f"{self.name} has no dashboard of an embedded host, so it cannot sort instances or "
                "select them by name, parent or value. Omit these options, or select an embedded "
                "host with --url. [EH509]"
            )
        self._host.expect(response, 200)
        return response.json_object()

    def entities(self, name: str | None, top: int, token: str | None = None) -> Page[EntityState]:
        """Return up to ``top`` entities (see Reader)."""
        path = f"/entities/{quote(name, safe='')}" if name else "/entities"
        items, token = self._page(path, {"fetchState": "true"}, top, token)
        return Page([EntityState(item) for item in items], token)

    def entity(self, name: str, key: str) -> tuple[bool, object]:
        """Return (True, state) for an entity, or (False, None) (see Reader)."""
        response = self.request(
            "GET", f"/entities/{quote(name, safe='')}/{quote(key, safe='') or '$'}"
        )
        if response.status == 404:
            self._check_api_exists()
            return False, None
        self._host.expect(response, 200)
        return True, response.json_value()

    def functions(self) -> list[HostFunction]:
        """Return the list of ``/admin/functions``. Raises CommandError without the master key."""
        response = self._host.send("GET", "/admin/functions")
        if response.status in (401, 403):
            raise CommandError(
                f"{self.name} requires its master key to list functions (status "
                f"{response.status}): pass the key with --code. [EH503]"
            )
        self._host.expect(response, 200)
        return [
            HostFunction(
                str(item["name"]),
                (item.get("config") or {}).get("bindings") or (),
                item.get("invoke_url_template"),
                bool(item.get("isDisabled")),
            )
            for item in response.json_objects()
        ]

    def report(self) -> Json | None:
        """Return the report about an embedded host, or None for another kind of host.

        Raises CommandError without the master key.
        """
        response = self._host.send("GET", "/admin/host/status")
        if response.status in (401, 403):
            raise CommandError(
                f"{self.name} requires its master key for its status (status {response.status}): "
                "pass the key with --code. [EH503]"
            )
        report = response.json_object().get("embeddedHost") if response.status == 200 else None
        return report if isinstance(report, dict) else None

    def function_problem(self, name: str) -> str | None:
        """Return the reason why a function is out of service, or None if it is in service."""
        response = self._host.send("GET", f"/admin/functions/{quote(name, safe='')}/status")
        errors = response.json_object().get("errors") if response.status == 200 else None
        return " ".join(map(str, errors)) if errors else None

    def parity(self) -> Json:
        """Return the app's parity findings. Raises CommandError for another kind of host."""
        response = self._host.send("GET", "/admin/host/parity")
        if response.status in (401, 403):
            raise CommandError(
                f"{self.name} requires its master key to list parity findings (status "
                f"{response.status}): pass the key with --code. [EH503]"
            )
        if response.status == 404:
            raise CommandError(
                f"{self.name} is not an embedded host, so it has no parity findings. Select an "
                "embedded host with --url, or stop this host to check the app folder. [EH509]"
            )
        self._host.expect(response, 200)
        return response.json_object()

    def logs(self, query: Mapping[str, str]) -> list[Json]:
        """Return log lines. Raises CommandError for another kind of host."""
        response = self._host.send("GET", "/dashboard/api/logs", query)
        if response.status in (401, 403):
            raise CommandError(
                f"{self.name} requires a key to read log lines (status {response.status}): pass "
                "the key with --code. [EH503]"
            )
        if response.status == 404:
            raise CommandError(
                f"{self.name} is not an embedded host with log lines. Select an embedded host with "
                "--url, or the state folder with --state. [EH509]"
            )
        self._host.expect(response, 200)
        lines: list[Json] = response.json_object()["lines"]
        return lines

    def orchestrators(self) -> list[str]:
        """Return the orchestrators' durable names. Raises CommandError without the master key."""
        return [
            str(binding.get("orchestration") or function.name)
            for function in self.functions()
            if not is_built_in(function.name)
            for binding in function.bindings
            if str(binding.get("type", "")).lower() == "orchestrationtrigger"
        ]

    # -- changing ----------------------------------------------------------------------------------

    def start(self, name: str, instance_id: str | None, input: str | None) -> Json:
        """Start an orchestrator, and return an object with the new instance's id and URLs.

        ``input`` is JSON. Raises NotAllowedError if the id belongs to an unfinished instance.
        """
        path = f"/orchestrators/{_segment(name)}"
        if instance_id:
            path += f"/{_segment(instance_id)}"
        response = self.request("POST", path, body=input or "")
        if response.status == 409:
            raise NotAllowedError(
                f"An instance '{instance_id}' exists and has not finished: "
                f"{response.error_message} [EH513]"
            )
        if response.status == 404:
            self._check_api_exists()
        self._host.expect(response, 202)
        return response.json_object()

    def operate(
        self, instance_id: str, operation: str, query: Mapping[str, str | None] = {}
    ) -> ApiResponse:
        """Send ``POST instances/{id}/{operation}`` and return the response.

        Raises NotFoundError or NotAllowedError.
        """
        parameters = {name: value for name, value in query.items() if value is not None}
        return self._check_change(
            instance_id,
            self.request("POST", f"{self._instance(instance_id)}/{operation}", parameters, body=""),
        )

    def raise_event(self, instance_id: str, name: str, data: str) -> None:
        """Raise an event with JSON data. Raises NotFoundError or NotAllowedError."""
        path = f"{self._instance(instance_id)}/raiseEvent/{_segment(name)}"
        self._check_change(instance_id, self.request("POST", path, body=data))

    def purge(self, instance_id: str) -> int:
        """Purge an instance or entity and return the number of deleted instances and entities.

        Raises NotFoundError or NotAllowedError.
        """
        response = self.request("DELETE", self._instance(instance_id))
        return _deleted(self._check_change(instance_id, response))

    def purge_many(self, query: InstanceQuery) -> int:
        """Purge the instances that match a query and return their number."""
        response = self.request("DELETE", "/instances", _filter_parameters(query))
        if response.status == 404:
            self._check_api_exists()
            return 0
        self._host.expect(response, 200)
        return _deleted(response)

    def signal(self, name: str, key: str, operation: str, input: str) -> None:
        """Signal an entity. ``input`` is JSON. Raises NotFoundError for an unknown function."""
        path = f"/entities/{_segment(name)}/{_segment(key)}"
        response = self.request("POST", path, {"op": operation}, body=input)
        if response.status == 400 and "not an entity function" in response.text:
            raise NotFoundError(f"{response.error_message} [EH511]")
        if response.status == 404:
            self._check_api_exists()
        self._host.expect(response, 202)

    # -- requests ----------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: str | None = None,
    ) -> ApiResponse:
        """Send a request to the management API and return the response.

        ``path`` is relative to the base of the API. Raises CommandError if the host does not
        respond or refuses the key.
        """
        response = self._host.send(
            method, WEBHOOK + path, {**(query or {}), **self._host.parameters}, body=body
        )
        if response.status in (401, 403):
            self._refuse_key(response)
        return response

    def _refuse_key(self, response: ApiResponse) -> NoReturn:
        problem = "does not accept the key" if self._host.has_key else "requires a key"
        raise CommandError(
            f"{self.name} {problem} (status {response.status}): pass its system key "
            "durabletask_extension with --code, or in the environment variable "
            "EMBEDDED_HOST_CODE. For an embedded host, this command prints the key: "
            "embedded-host keys list [EH503]"
        )

    def _page(
        self, path: str, query: Mapping[str, str], top: int, token: str | None
    ) -> tuple[list[Json], str | None]:
        """Return up to ``top`` items of a list and the continuation token.

        The Azure Functions host may return fewer items than requested although more pages follow.
        This method therefore requests pages until it has ``top`` items.
        """
        items: list[Json] = []
        while True:
            parameters = {**query, "top": str(top - len(items))}
            response = self._host.send(
                "GET", WEBHOOK + path, {**parameters, **self._host.parameters}, token
            )
            if response.status in (401, 403, 404):
                self.request("GET", path, parameters)  # raises the error for a missing key
                self._no_management_api()
            self._host.expect(response, 200)
            items += response.json_objects()
            before, token = token, response.headers.get(CONTINUATION_TOKEN_HEADER) or None
            if token in (None, before) or len(items) >= top:
                return items, token

    def _check_change(self, instance_id: str, response: ApiResponse) -> ApiResponse:
        if response.status in (404, 410) or (
            response.status == 400 and "No instance with ID" in response.text
        ):
            status = self.instance(instance_id)
            if status is None:
                raise no_instance(instance_id, self.name)
            if status.is_finished:
                raise NotAllowedError(
                    f"The instance '{instance_id}' has finished: {status.runtime_status}. [EH514]"
                )
        if response.status in (409, 412) or (
            response.status == 500 and "because instance is in the" in response.text
        ):
            raise NotAllowedError(f"{response.error_message} [EH514]")
        self._host.expect(response, 200, 202)
        return response

    def _check_api_exists(self) -> None:
        """Raise CommandError if the host has no management API.

        Status 404 can mean that the API is missing, or only that the requested item is missing.
        """
        if self.request("GET", "/instances", {"top": "1", "showInput": "false"}).status == 404:
            self._no_management_api()

    def _no_management_api(self) -> NoReturn:
        raise CommandError(
            f"{self.name} has no management API of Durable Functions. Check that a host with a "
            "Durable Functions app listens at this address. [EH504]"
        )

    @staticmethod
    def _instance(instance_id: str) -> str:
        return f"/instances/{quote(instance_id, safe='')}"


def _segment(name: str) -> str:
    """Return a name encoded as a segment of a path. Raises UsageError if it contains a slash.

    The host splits a path at encoded slashes too (functions-host.md#start-an-instance).
    """
    if "/" in name:
        raise click.UsageError(
            f"'{name}' contains a slash, which a URL of the management API cannot represent. "
            "Use another name."
        )
    return quote(name, safe="")


def _deleted(response: ApiResponse) -> int:
    return int(response.json_object()["instancesDeleted"])


def _filter_parameters(query: InstanceQuery) -> dict[str, str]:
    parameters = {}
    if query.created_from:
        parameters["createdTimeFrom"] = query.created_from.isoformat().replace("+00:00", "Z")
    if query.created_to:
        parameters["createdTimeTo"] = query.created_to.isoformat().replace("+00:00", "Z")
    if query.statuses:
        parameters["runtimeStatus"] = ",".join(query.statuses)
    return parameters
