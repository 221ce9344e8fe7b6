"""The command ``tree``: an instance with its sub-orchestrations and entities."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import click

from embedded_host.cli.arguments import as_json, instance_id
from embedded_host.cli.command import command, no_instance
from embedded_host.cli.output import on_terminal, print_json, printable
from embedded_host.cli.reader import Json
from embedded_host.cli.target import Target, target_options
from embedded_host.cli.timeline import format_duration
from embedded_host.engine.status import FINISHED
from embedded_host.engine.timestamps import parse_utc

STATE = 60
"""Maximum characters of an entity state in a line. ``--json`` prints up to 1000 characters."""


@command()
@instance_id
@as_json
@target_options
def tree(target: Target, instance_id: str, as_json: bool) -> None:
    """Show an instance with its sub-orchestrations and the entities that they call.

    Each line has the status, the start and the duration. For an unfinished instance, it also has
    the waits. The tree has at most 500 instances and 100 children of each instance: the failed and
    open sub-orchestrations are selected first.

    Examples:
      embedded-host tree --id order-7
      embedded-host tree --id order-7 --json
    """
    reader = target.reader()
    found = reader.tree(instance_id)
    if found is None:
        raise no_instance(instance_id, reader.name)
    if as_json:
        print_json(found)
        return
    width = shutil.get_terminal_size().columns if on_terminal() else None
    for line in tree_lines(found):
        for text in line.wrapped(width):
            click.echo(_colored(text, line.status))


class TreeLine(NamedTuple):
    """A line of a tree."""

    first: str
    """The characters before the text, which draw the branches."""
    next: str
    """The characters before the text of further rows, if the terminal is narrow."""
    text: str
    status: str = ""
    """The runtime status in the text, or an empty string."""

    def wrapped(self, width: int | None) -> list[str]:
        """Return the rows of the line. They are broken between words, and never in an id."""
        text = printable(self.text)
        if width is None:
            return [self.first + text]
        return textwrap.wrap(
            text,
            max(width, len(self.next) + 20),
            initial_indent=self.first,
            subsequent_indent=self.next + "  ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def tree_lines(root: Json) -> Iterator[TreeLine]:
    """Yield the lines of a tree."""
    yield _instance(root, "", "")
    yield from _below(root, "", _branches())


def _below(node: Json, indent: str, branches: Sequence[str]) -> Iterator[TreeLine]:
    middle, last, through = branches
    entities, children, more = node["entities"], node["children"], node["truncated"]
    count = len(entities) + len(children) + bool(more)
    for number in range(count):
        is_last = number == count - 1
        first = indent + (last if is_last else middle)
        below = indent + ("   " if is_last else through)
        if number < len(entities):
            yield TreeLine(first, below, _entity(entities[number]))
        elif number - len(entities) < len(children):
            child = children[number - len(entities)]
            yield _instance(child, first, below)
            yield from _below(child, below, branches)
        else:
            yield TreeLine(first, below, f"{more} more")


def _instance(node: Json, first: str, below: str) -> TreeLine:
    status = node["runtimeStatus"] or "purged"
    words = [f"{node['name']} '{node['instanceId']}'", status, f"started {node['createdTime']}"]
    if status in FINISHED and node["lastUpdatedTime"]:
        seconds = parse_utc(node["lastUpdatedTime"]) - parse_utc(node["createdTime"])
        words.append(f"took {format_duration(seconds.total_seconds())}")
    if node["error"]:
        words.append(node["error"])
    if node["waitsFor"]:
        words.append(f"waits for {node['waitsFor']}")
    return TreeLine(first, below, ", ".join(words), status)


def _entity(entity: Json) -> str:
    words = [f"entity '{entity['id']}'"]
    state = entity["state"]
    if state is not None:
        words.append(f"state {state if len(state) <= STATE else state[: STATE - 3] + '...'}")
    if entity["lastUpdatedTime"]:
        words.append(f"last operation {entity['lastUpdatedTime']}")
    if entity["lockedBy"]:
        words.append(f"locked by '{entity['lockedBy']}'")
    if entity["waiting"]:
        words.append(f"no response to {entity['waiting']}")
    return ", ".join(words)


def _branches() -> Sequence[str]:
    """Return the characters of a branch, of the last branch, and beside further branches."""
    try:
        "├└│─".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "|- ", "`- ", "|  "
    return "├─ ", "└─ ", "│  "


def _colored(text: str, status: str) -> str:
    from embedded_host.cli.layout import STYLES

    color = STYLES.get(status, "dim")
    if not on_terminal() or color == "dim":
        return text
    return text.replace(f", {status},", f", {click.style(status, fg=color)},", 1)
