"""The instance routes of the management API: start, status and operations.

See functions-host.md#management-routes to #raise-an-event.
"""

from __future__ import annotations

import logging
from functools import partial

from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.http.management_responses import (
    INTERNAL_ERROR,
    exception_response,
    invalid_json_response,
    message_response,
)
from embedded_host.management.json_text import check_json, compact_json
from embedded_host.management.parameters import flag, preferred_wait, seconds
from embedded_host.management.retried_calls import repeated_key
from embedded_host.management.status import history_events, shown_value, status_object, status_text
from embedded_host.management.urls import ManagementUrls
from embedded_host.store.interface import InstanceRow
from embedded_host.task_hub.client import (
    HubClient,
    InstanceExistsError,
    InstanceFinishedError,
    InstanceNotFoundError,
    InstanceStatusError,
)
from embedded_host.task_hub.diagnosis import Diagnosis
from embedded_host.task_hub.instances import is_terminal
from embedded_host.web.request import Request
from embedded_host.web.response import JSON, Response, empty_response, json_response

log = logging.getLogger("embedded_host.http")


class InstanceRoutes:
    """The instance routes of one task hub."""

    def __init__(self, client: HubClient, urls: ManagementUrls) -> None:
        self._client, self._urls = client, urls

    # -- starting

    async def start(
        self, request: Request, base: str, name: str, instance_id: str | None
    ) -> Response:
        """Start an instance.

        The response has the id of the instance, or its output if the request waits for the output.
        """
        query = request.query
        input: str | None = await request.text()
        if not input and request.headers.get("content-length") == "0":
            input = None
        if input:
            try:
                check_json(input)
            except ValueError as error:
                return invalid_json_response(input, error)
        try:
            started = await self._client.start(
                name, input, instance_id, query.get("version") or None
            )
        except InstanceExistsError as error:
            return message_response(409, str(error))
        timeout, interval = seconds(query.get("timeout")), seconds(query.get("pollinginterval"))
        if timeout is not None and interval is not None:
            if interval > timeout:
                text = (
                    f"Total timeout {_number(timeout)} should be bigger than retry timeout "
                    f"{_number(interval)}"
                )
                return message_response(400, text)
            row = await self._client.wait(started, timeout)
            if row is not None and is_terminal(row):
                if row.status == "Completed":
                    return json_response(shown_value(row.output))
                return self._shown(request, row)
        return self._check_status(base, started)

    def _check_status(self, base: str, instance_id: str) -> Response:
        body = self._urls.of_instance(base, instance_id, rewind=False)
        return json_response(
            body, 202, {"Location": body["statusQueryGetUri"], "Retry-After": "10"}
        )

    async def restart(self, request: Request, base: str, instance_id: str) -> Response:
        """Start the orchestrator of an instance again with the same input.

        By default, the new instance has a new id.
        """
        try:
            new_id = flag(request.query.get("restartwithnewinstanceid"), True)
            started = await self._client.restart(instance_id, new_id)
        except InstanceNotFoundError:
            return exception_response(
                400,
                "InstanceId does not match a valid orchestration instance.",
                f"No instance with ID '{instance_id}' was found. (Parameter 'instanceId')",
                "System.ArgumentException",
            )
        except InstanceExistsError as error:
            return exception_response(
                409,
                "A non-terminal instance with this instance ID already exists.",
                str(error),
                "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException",
            )
        return self._check_status(base, started)

    # -- status

    async def status(self, request: Request, instance_id: str) -> Response:
        """Return the status of an instance.

        With the header ``Prefer: wait=N``, wait up to N seconds until the instance has finished.
        """
        wait = preferred_wait(request.headers.get("prefer"))
        if wait is None:
            row = self._client.status(instance_id)
        else:
            row = await self._client.wait(instance_id, wait)
        if row is None:
            response = empty_response(404)
        else:
            diagnosis = (
                await self._client.diagnosis(row.id)
                if flag(request.query.get("showdiagnosis"))
                else None
            )
            response = self._shown(request, row, diagnosis)
        if wait is not None:
            response.headers.append(("Preference-Applied", f"wait={wait:g}"))
        return response

    def _shown(
        self, request: Request, row: InstanceRow, diagnosis: Diagnosis | None = None
    ) -> Response:
        query = request.query
        show_input = flag(query.get("showinput"), True)
        input = partial(self._client.input, row) if show_input else None
        if row.status == "Completed" and diagnosis is None and not flag(query.get("showhistory")):
            return Response(200, status_text(row, input), [("Content-Type", JSON)])
        body = status_object(row, input)
        if flag(query.get("showhistory")) and row.status != "Pending":
            events = self._client.history(row)
            key = None if row.protocol == SDK_1X else repeated_key(events)
            if key is not None and not flag(query.get("showretries")):
                return _retried_call_response(row, key)
            body["historyEvents"] = history_events(
                events,
                show_output=flag(query.get("showhistoryoutput")),
                show_input=show_input,
            )
        if diagnosis is not None:
            body["diagnosis"] = diagnosis.document()
        if not is_terminal(row):
            return json_response(body, 202, {"Location": request.url, "Retry-After": "5"})
        failed = row.status == "Failed" and flag(query.get("returninternalservererroronfailure"))
        return json_response(body, 500 if failed else 200)

    # -- operations

    async def raise_event(self, request: Request, instance_id: str, name: str) -> Response:
        """Raise an external event.

        The order of the checks follows a recording (functions-host.md#raise-an-event).
        """
        try:
            self._client.live(instance_id)
            if request.media_type != "application/json":
                return message_response(400, "Only application/json request content is supported")
            text = await request.text()
            try:
                input = compact_json(text)
            except ValueError as error:
                return invalid_json_response(text, error)
            await self._client.raise_event(instance_id, name, input)
        except InstanceNotFoundError:
            return empty_response(404)
        except InstanceFinishedError:
            return empty_response(410)
        return empty_response(202)

    async def operate(
        self, request: Request, base: str, instance_id: str, operation: str
    ) -> Response:
        """Terminate, suspend, resume, rewind or restart an instance."""
        client, reason = self._client, request.query.get("reason")
        try:
            if operation == "terminate":
                await client.terminate(instance_id, reason)
            elif operation == "suspend":
                await client.suspend(instance_id, reason)
            elif operation == "resume":
                await client.resume(instance_id, reason)
            elif operation == "rewind":
                return await self._rewind(instance_id, reason)
            elif operation == "restart":
                return await self.restart(request, base, instance_id)
            else:
                return empty_response(404)
        except InstanceNotFoundError:
            return empty_response(404)
        except InstanceFinishedError:
            return empty_response(410)
        except InstanceStatusError as error:
            return exception_response(
                500,
                INTERNAL_ERROR,
                f"Cannot {operation} the orchestration instance {instance_id} because instance is "
                f"in the {error.status} state.",
                "System.InvalidOperationException",
            )
        return empty_response(202)

    async def _rewind(self, instance_id: str, reason: str | None) -> Response:
        try:
            await self._client.rewind(instance_id, reason)
        except InstanceNotFoundError:
            return json_response(f'No orchestration with instance ID "${instance_id}" found.', 404)
        except InstanceStatusError as error:
            return json_response(
                f"This orchestration has status {error.status}, but only orchestrations in the "
                '"Failed" state can be rewound.',
                412,
            )
        return empty_response(202)

    async def purge(self, instance_id: str) -> Response:
        """Delete a finished instance."""
        try:
            return json_response({"instancesDeleted": await self._client.purge(instance_id)})
        except InstanceNotFoundError:
            # An id that begins with @ belongs to an entity. The Azure Functions host does not check
            # that the entity exists (recorded; functions-host.md#management-routes).
            return (
                json_response({"instancesDeleted": 0})
                if instance_id.startswith("@")
                else empty_response(404)
            )
        except InstanceStatusError as error:
            text = (
                "Only orchestrations in a terminal state can be purged, but the orchestration "
                f"with instance ID {instance_id} has status {error.status}"
            )
            return json_response(text, 412)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _retried_call_response(row: InstanceRow, key: str) -> Response:
    """Log the reason and return the error of the Azure Functions host (recorded)."""
    log.warning(
        "The status of the instance '%s' with showHistory=true is 400, as on the Azure Functions "
        "host: a call was retried, and SDK 2.x gives all attempts one event id. Read the history "
        "with get_orchestration_history of the client, with embedded-host get-history, or in the "
        "dashboard. [EH417]",
        row.id,
    )
    return exception_response(
        400,
        "One or more of the arguments submitted is incorrect",
        f"An item with the same key has already been added. Key: {key}",
        "System.ArgumentException",
    )
