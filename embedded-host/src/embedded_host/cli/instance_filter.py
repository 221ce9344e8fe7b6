"""The options that select instances, for the commands that list, purge or change them.

Each option is a condition of ``InstanceQuery``. A new option belongs here, so that all commands
have the same options.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import datetime

import click

from embedded_host.cli.arguments import created_between, runtime_status, statuses
from embedded_host.cli.command import Callback
from embedded_host.engine.status import STATUSES
from embedded_host.store.interface import InstanceQuery


def instance_filter(allowed: Sequence[str] = STATUSES) -> Callable[[Callback], Callback]:
    """Return a decorator that adds the options that select instances.

    The decorated function receives the conditions as its argument ``query``. Without any of the
    options, it is ``InstanceQuery()``. ``allowed`` are the values of ``--runtime-status``.
    """

    def decorate(function: Callback) -> Callback:
        @functools.wraps(function)
        def with_query(
            *arguments: object,
            created_after: datetime | None,
            created_before: datetime | None,
            runtime_status: tuple[str, ...],
            more_statuses: tuple[str, ...],
            prefix: str | None,
            **options: object,
        ) -> object:
            query = InstanceQuery(
                id_prefix=prefix,
                statuses=statuses(runtime_status, more_statuses, allowed),
                created_from=created_after,
                created_to=created_before,
            )
            return function(*arguments, query=query, **options)

        prefix = click.option(
            "--prefix", metavar="TEXT", help="Only ids that start with this prefix."
        )
        return created_between(runtime_status(prefix(with_query)))

    return decorate
