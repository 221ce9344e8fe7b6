"""Options that several commands have, and what their texts mean."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import click

from embedded_host.engine.status import STATUSES

Function = Callable[..., Any]


class NonEmpty(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on
    """What has a name: the management API takes an empty one for all that there are."""

    name = "text"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        if not str(value).strip():
            self.fail("It is empty. Is a variable of the shell not set?", param, ctx)
        return str(value)


as_json = click.option(
    "--json", "as_json", is_flag=True, help="One JSON document on stdout, for scripts."
)
instance_id = click.option(
    "--id", "instance_id", required=True, type=NonEmpty(), metavar="ID", help="The instance's id."
)
script_root = click.option(
    "--script-root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The app's folder, with its host.json. Default: this folder.",
)
reason = click.option("--reason", metavar="TEXT", help="Goes into the instance's history.")
top = click.option(
    "--top",
    type=click.IntRange(1, 2**31 - 1),
    default=10,
    show_default=True,
    help="How many at most.",
)
continuation_token = click.option(
    "--continuation-token", metavar="TOKEN", help="Go on where the page before ended."
)


class Timestamp(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on
    """A date and time in one of the usual forms; without a zone it is UTC, as for func."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        from embedded_host.management.parameters import parse_timestamp

        if isinstance(value, datetime):
            return value
        read = parse_timestamp(str(value))
        if read is None:
            self.fail(
                f"'{value}' is not a date and time. Write 2026-01-31T23:59:00Z or 01/31/2026 23:59.",
                param,
                ctx,
            )
        return read


def created_between(function: Function) -> Function:
    for option in (
        click.option(
            "--created-before",
            type=Timestamp(),
            metavar="TIME",
            help="Created at this time or earlier (UTC).",
        ),
        click.option(
            "--created-after",
            type=Timestamp(),
            metavar="TIME",
            help="Created at this time or later (UTC).",
        ),
    ):
        function = option(function)
    return function


def runtime_status(function: Function) -> Function:
    """``--runtime-status completed failed`` as for func, also repeated or with commas."""
    function = click.argument("more_statuses", nargs=-1, metavar="")(function)
    return click.option(
        "--runtime-status",
        multiple=True,
        metavar="STATUS...",
        help="Only these: running, completed, failed, ...",
    )(function)


def statuses(
    given: Iterable[str], more: Iterable[str], allowed: Iterable[str] = STATUSES
) -> tuple[str, ...]:
    given, more, allowed = list(given), list(more), list(allowed)
    if more and not given:
        raise click.UsageError(f"Got unexpected extra argument ({more[0]})")
    found = []
    for text in (*given, *more):
        for part in text.replace(",", " ").split():
            name = next((status for status in allowed if status.lower() == part.lower()), None)
            if name is None:
                raise click.BadParameter(
                    f"'{part}' is none of {', '.join(allowed)}.", param_hint="'--runtime-status'"
                )
            found.append(name)
    return tuple(dict.fromkeys(found))


def json_text(given: str | None, option: str) -> str | None:
    """The JSON text that an option's value is or names (``@file.json``; ``@-`` is stdin), as it was written."""
    if given is None or not given.startswith("@"):
        text, where = given, "It"
    else:
        path = given[1:]
        where = f"What {path} holds" if path != "-" else "What came on stdin"
        try:
            text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise click.BadParameter(
                f"The file {path} cannot be read: {error}.", param_hint=f"'{option}'"
            ) from error
    if text is None:
        return None
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        hint = (
            ""
            if given and given.startswith("@")
            else " A text is written with its quotes, as in '\"Tokyo\"'."
        )
        raise click.BadParameter(
            f"{where} is not JSON: {error}.{hint}", param_hint=f"'{option}'"
        ) from error
    return text


def sdk_encoded(text: str) -> str:
    """JSON in a JSON string: of anything else the SDK's ``get_input`` makes nothing (functions-host.md#encoding-per-hop)."""
    return json.dumps(text)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")
