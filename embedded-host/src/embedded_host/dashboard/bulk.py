"""The endpoint of the dashboard's API that acts on all instances of a filter."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from embedded_host.dashboard.query_parameters import InvalidParameterError, QueryParameters
from embedded_host.engine.timestamps import format_utc
from embedded_host.task_hub.bulk_actions import ACTIONS, act_on_all
from embedded_host.task_hub.client import HubClient
from embedded_host.web.response import Response, json_response

STEP = 1.0
"""Seconds of one request. The client repeats the request with ``next`` until it is null."""


async def bulk_response(client: HubClient, parameters: QueryParameters) -> Response:
    """Run one step of an action on the instances of the filter, and return its result.

    The parameters are ``action``, ``reason`` and those of the list of instances. ``after`` and
    ``until`` are the members of ``next`` of the previous response. ``until`` is the time of the
    first request: a restart must not restart the instances that it has created. Raises
    InvalidParameterError, also for an unknown parameter.
    """
    action = parameters.required("action")
    if action not in ACTIONS:
        raise InvalidParameterError(
            f"'action' must be one of {', '.join(ACTIONS)}, not '{action}'. [EH336]"
        )
    query = parameters.instance_query()
    until = parameters.time("until") or client.hub.clock.now()
    if action == "restart":
        before = until - timedelta(microseconds=1)
        query = replace(query, created_to=min(query.created_to or before, before))
    after = parameters.text("after")
    if after:
        query = replace(query, after_id=after)
    reason = parameters.text("reason") or None
    parameters.reject_unknown()
    result = await act_on_all(client, action, query, reason, STEP)
    return json_response(
        {
            "done": result.done,
            "skipped": result.skipped,
            "failed": result.failed,
            "errors": [{"instanceId": id, "error": error} for id, error in result.errors],
            "next": None
            if result.after_id is None
            else {"after": result.after_id, "until": format_utc(until)},
        }
    )
