"""The options that select instances, for the commands that list, purge or change them.

Each option is a condition of ``InstanceQuery``. A new option belongs here, so that all commands
have the same options.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import datetime

import click

from embedded_host.cli.arguments import (
    NonEmpty,
    SearchText,
    created_between,
    runtime_status,
    statuses,
)
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
            name: str | None,
            search: str | None,
            failed_with: str | None,
            parent: str | None,
            top_level: bool,
            **options: object,
        ) -> object:
            query = InstanceQuery(
                id_prefix=prefix,
                statuses=statuses(runtime_status, more_statuses, allowed),
                created_from=created_after,
                created_to=created_before,
                name=name,
                search=search,
                failed_with=failed_with,
                parent_id=parent,
                top_level=top_level,
            )
            return function(*arguments, query=query, **options)

        decorated = with_query
        for option in reversed(_OPTIONS):
            decorated = option(decorated)
        return created_between(runtime_status(decorated))

    return decorate


_OPTIONS = (
    click.option("--prefix", metavar="TEXT", help="Only ids that start with this prefix."),
    click.option(
        "--name", type=NonEmpty(), metavar="NAME", help="Only instances of this orchestrator."
    ),
    click.option(
        "--search",
        type=SearchText(),
        metavar="TEXT",
        help="Only instances with this text in the id, input, output, error or custom status. The "
        "case of A to Z is ignored.",
    ),
    click.option(
        "--failed-with",
        type=SearchText(),
        metavar="TEXT",
        help="Only failed instances with this text in the error.",
    ),
    click.option(
        "--parent", type=NonEmpty(), metavar="ID", help="Only sub-orchestrations of this instance."
    ),
    click.option("--top-level", is_flag=True, help="Only instances without a parent."),
)
