"""The values that a shell completes: ids, names, statuses, events, entities and error codes.

``completed_by`` of the module ``arguments`` imports the functions by their names. Each function
returns the values that begin with ``incomplete``. A host that does not respond, or an error,
completes nothing: the shell shows no messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import click

from embedded_host.cli.host_connection import HostConnection
from embedded_host.cli.target import Target
from embedded_host.engine.status import FINISHED, STATUSES, UNFINISHED
from embedded_host.store.interface import InstanceQuery

MOST = 100
"""The maximum number of completed ids."""
TIMEOUT = 2.0
"""Seconds to wait for a response of the host."""
_STATUSES = {
    "raise-event": UNFINISHED,
    "terminate": UNFINISHED,
    "suspend": ("Running", "Pending"),
    "resume": ("Suspended",),
    "rewind": ("Failed",),
    "purge-history": FINISHED,
}
"""The statuses of the instances that a command accepts. Other commands accept all."""


def complete(values: str, ctx: click.Context, incomplete: str) -> list[str]:
    """Return the values of the function ``values`` that begin with ``incomplete``."""
    try:
        HostConnection.timeout = TIMEOUT
        found = _FUNCTIONS[values](ctx, incomplete)
        return [
            value
            for value in dict.fromkeys(found)
            if value.lower().startswith(incomplete.lower()) and value.isprintable()
        ]
    except Exception:  # the shell would show the traceback
        return []


def _target(ctx: click.Context) -> Target:
    """Return the host or state file of the options before the incomplete word."""

    def text(name: str) -> str | None:
        value = ctx.params.get(name)
        return None if value is None else str(value)

    state, root = text("state"), text("script_root")
    return Target(
        text("url"),
        text("code"),
        Path(state) if state else None,
        Path(root) if root else Path(),
        text("task_hub_name"),
        text("connection_string_setting"),
        is_quiet=True,
    )


def _instance_ids(ctx: click.Context, incomplete: str) -> list[str]:
    query = InstanceQuery(
        id_prefix=incomplete or None, statuses=_STATUSES.get(ctx.info_name or "", ())
    )
    items = _target(ctx).reader().instances(query, MOST).items
    return [item.instance_id for item in items if not item.instance_id.startswith("@")]


def _orchestrators(ctx: click.Context, incomplete: str) -> list[str]:
    target = _target(ctx)
    if target.has_host():
        return sorted(target.host().orchestrators())
    items = target.reader().instances(InstanceQuery(), MOST).items
    return sorted({item.name for item in items if not item.name.startswith("@")})


def _events(ctx: click.Context, incomplete: str) -> list[str]:
    """Return the names of the events that the instance of ``--id`` waits for."""
    status = _target(ctx).reader().instance(ctx.params["instance_id"], diagnosis=True)
    waits = (status.document.get("diagnosis") or {}).get("waitsFor") if status else None
    return [wait["name"] for wait in waits or () if wait["kind"] == "event" and wait.get("name")]


def _statuses(ctx: click.Context, incomplete: str) -> list[str]:
    return [status.lower() for status in _STATUSES.get(ctx.info_name or "", STATUSES)]


def _entity_names(ctx: click.Context, incomplete: str) -> list[str]:
    return [entity.name for entity in _target(ctx).reader().entities(None, MOST).items]


def _entity_keys(ctx: click.Context, incomplete: str) -> list[str]:
    name = ctx.params.get("name")
    return [entity.key for entity in _target(ctx).reader().entities(name, MOST).items]


def _error_codes(ctx: click.Context, incomplete: str) -> list[str]:
    from embedded_host.error_codes import entries

    return list(entries())


def _parity_codes(ctx: click.Context, incomplete: str) -> list[str]:
    return [code for code in _error_codes(ctx, incomplete) if code.startswith("EH8")]


_FUNCTIONS: dict[str, Callable[[click.Context, str], Iterable[str]]] = {
    "instance ids": _instance_ids,
    "orchestrators": _orchestrators,
    "events": _events,
    "statuses": _statuses,
    "entity names": _entity_names,
    "entity keys": _entity_keys,
    "error codes": _error_codes,
    "parity codes": _parity_codes,
}
"""The functions by the name of their values."""
