"""Operations on all instances that a filter selects."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import click

from embedded_host.cli.arguments import only_instance_id
from embedded_host.cli.command import Callback, CommandError, NotAllowedError, NotFoundError
from embedded_host.cli.instance_filter import instance_filter
from embedded_host.cli.output import number_of, printable
from embedded_host.store.interface import InstanceQuery

if TYPE_CHECKING:
    from embedded_host.cli.management_api import ManagementClient

PAGE_SIZE = 1000
"""The maximum number of instances in a response."""
REQUESTS = 8
"""The number of simultaneous requests. The host commits their changes together."""
Result = TypeVar("Result")


class NotConfirmedError(CommandError):
    """The change of several instances requires a confirmation."""

    exit_code = 2


@dataclass(frozen=True)
class Selection:
    """The instances that a command changes."""

    instance_id: str | None
    """The id of one instance, or None if ``query`` selects the instances."""
    query: InstanceQuery
    """The conditions on the instances, always with statuses."""
    yes: bool
    """True if the user has confirmed in advance."""
    has_filter: bool = True
    """False if the query has only the default statuses."""


def instances_to_change(
    allowed: Sequence[str], *, all_allowed: bool = False
) -> Callable[[Callback], Callback]:
    """Return a decorator that adds ``--id``, the options of ``instance_filter`` and ``--yes``.

    The decorated function receives a ``selection`` of instances with an ``allowed`` status. If
    ``all_allowed`` is True, the options may all be omitted.
    """

    def decorate(function: Callback) -> Callback:
        @functools.wraps(function)
        def with_selection(
            *arguments: object,
            instance_id: str | None,
            query: InstanceQuery,
            yes: bool,
            **options: object,
        ) -> object:
            has_filter = query != InstanceQuery()
            if instance_id is not None and has_filter:
                raise click.UsageError(
                    "--id cannot be combined with the options that select instances."
                )
            if instance_id is None and not has_filter and not all_allowed:
                raise click.UsageError(
                    "Select an instance with --id, or several with an option such as "
                    "--runtime-status or --created-before."
                )
            query = replace(query, statuses=query.statuses or tuple(allowed))
            selection = Selection(instance_id, query, yes, has_filter)
            return function(*arguments, selection=selection, **options)

        yes_option = click.option("--yes", is_flag=True, help="Confirm in advance.")
        return only_instance_id(instance_filter(allowed)(yes_option(with_selection)))

    return decorate


def matching_ids(host: ManagementClient, query: InstanceQuery) -> list[str]:
    """Return the ids of all orchestrations that match a query."""
    ids: list[str] = []
    token: str | None = None
    while True:
        page = host.instances(query, PAGE_SIZE, token)
        # Entities are instances too, and their names begin with @.
        ids += [item.instance_id for item in page.items if not item.instance_id.startswith("@")]
        token = page.token
        if token is None:
            return ids


def confirm(action: str, ids: Sequence[str], host: str, yes: bool) -> None:
    """Request a confirmation of an action on instances, unless ``yes`` is True.

    ``action`` is a verb, such as ``terminate``, and ``host`` is the name of the host. Raises
    NotConfirmedError if stdin is not a terminal, and Abort if the user declines.
    """
    if yes or not ids:
        return
    sentence = f"{action} {number_of(len(ids), 'instance')} at {host}"
    if not sys.stdin.isatty():
        raise NotConfirmedError(
            f"This would {sentence}: confirm with --yes. To list the instances, run embedded-host "
            "get-instances with the same options. [EH518]"
        )
    examples = ", ".join(map(printable, ids[:3])) + (", ..." if len(ids) > 3 else "")
    question = f"{sentence[:1].upper()}{sentence[1:]} ({examples})?"
    click.confirm(question, abort=True, err=True)


def for_each(
    ids: Sequence[str], operation: Callable[[str], Result], verb: str
) -> tuple[dict[str, Result], list[str]]:
    """Run an operation for each id. Return the results by id, and the ids that were left out.

    An instance is left out if its status no longer allows the operation, or if it was purged. On a
    terminal, a progress bar is shown. Raises CommandError if the host does not respond.
    """

    def attempt(instance_id: str) -> tuple[str, Result | None, bool]:
        try:
            return instance_id, operation(instance_id), True
        except (NotAllowedError, NotFoundError):
            return instance_id, None, False

    results: dict[str, Result] = {}
    left_out: list[str] = []
    pool = ThreadPoolExecutor(min(REQUESTS, len(ids) or 1))
    try:
        for instance_id, result, is_done in _with_progress(pool.map(attempt, ids), len(ids), verb):
            if is_done:
                results[instance_id] = result  # type: ignore[assignment]
            else:
                left_out.append(instance_id)
    finally:
        pool.shutdown(cancel_futures=True)
    return results, left_out


def _with_progress(items: Iterable[Result], length: int, verb: str) -> Iterable[Result]:
    if length < REQUESTS or not sys.stderr.isatty():
        yield from items
        return
    label = verb[:1].upper() + verb[1:]
    with click.progressbar(items, length=length, label=label, file=sys.stderr) as bar:
        yield from bar


def sentence(verb: str, count: int, left_out: int) -> str:
    """Return the sentence of a result, such as "Terminating 2 instances"."""
    text = f"{verb} {number_of(count, 'instance')}."
    if left_out:
        others = number_of(left_out, "instance")
        verb = "was" if left_out == 1 else "were"
        text += f" {others} {verb} left out, because the status no longer allows the operation."
    return text
