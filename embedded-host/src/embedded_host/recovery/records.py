"""What stands on a page: cells, and the values of the record in each."""

from __future__ import annotations

import struct
from typing import NamedTuple, Protocol

from embedded_host.errors import EmbeddedHostError

INNER_INDEX, INNER_TABLE, LEAF_INDEX, LEAF_TABLE = 2, 5, 10, 13
Value = int | float | str | bytes | None


class Pages(Protocol):
    def page(self, number: int) -> bytes | None: ...


class UnreadableRecordError(EmbeddedHostError):
    """What stands there cannot have been written by SQLite."""


class Cell(NamedTuple):
    child: int | None
    """The page of what comes before, inside a tree."""
    rowid: int | None
    values: tuple[Value, ...]
    overflow: tuple[int, ...]
    """Pages that belong to it alone."""


class Page(NamedTuple):
    kind: int
    cells: list[Cell | None]
    """In order; None for one that cannot be read."""
    last_child: int | None
    is_whole: bool
    """Whether cells and free room come to the page's size: if not, there may have been more cells."""
    children: list[int | None]
    """The child of each cell, also of one that cannot be read."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and the place behind it. Raises UnreadableRecordError."""
    value = 0
    for n in range(9):
        if at + n >= len(data):
            raise UnreadableRecordError
        byte = data[at + n]
        if n == 8:
            value = value << 8 | byte
            return (value - (1 << 64) if value >> 63 else value), at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + n + 1
    raise UnreadableRecordError


def record(payload: bytes) -> tuple[Value, ...]:
    """Its values. Raises UnreadableRecordError."""
    head, at = varint(payload, 0)
    if not at <= head <= len(payload):
        raise UnreadableRecordError
    values: list[Value] = []
    body = head
    while at < head:
        kind, at = varint(payload, at)
        value, body = _value(payload, kind, body)
        values.append(value)
    if at != head or body != len(payload):
        raise UnreadableRecordError
    return tuple(values)


_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def _value(payload: bytes, kind: int, at: int) -> tuple[Value, int]:
    if kind in (0, 8, 9):
        return (None if kind == 0 else kind - 8), at
    size = _INTEGERS.get(kind, 8 if kind == 7 else (kind - 12) // 2)
    if kind in (10, 11) or kind < 0 or at + size > len(payload):
        raise UnreadableRecordError
    data = payload[at : at + size]
    if kind in _INTEGERS:
        return int.from_bytes(data, "big", signed=True), at + size
    if kind == 7:
        return float(struct.unpack(">d", data)[0]), at + size
    if kind % 2 == 0:
        return data, at + size
    try:
        return data.decode("utf-8"), at + size
    except UnicodeDecodeError:
        raise UnreadableRecordError from None


def read_page(pages: Pages, number: int) -> Page | None:
    """None if there is no such page, or it is none of a tree."""
    data = pages.page(number)
    return None if data is None else parse_page(pages, data, 100 if number == 1 else 0)


def parse_page(pages: Pages, data: bytes, start: int = 0) -> Page | None:
    kind = data[start]
    if kind not in (INNER_INDEX, INNER_TABLE, LEAF_INDEX, LEAF_TABLE):
        return None
    inner = kind in (INNER_INDEX, INNER_TABLE)
    first = start + (12 if inner else 8)
    free, count, content = struct.unpack(">3H", data[start + 1 : start + 7])
    fits = first + 2 * count <= len(data)
    count = min(count, (len(data) - first) // 2)
    pointers = struct.unpack(f">{count}H", data[first : first + 2 * count])
    cells: list[Cell | None] = []
    children: list[int | None] = []
    used = 0
    for at in pointers:
        child = int.from_bytes(data[at : at + 4], "big") if inner else None
        children.append(child)
        try:
            if at < first + 2 * count or at + 4 > len(data):
                raise UnreadableRecordError
            cell, size = _cell(pages, data, kind, at)
        except UnreadableRecordError:
            cells.append(None)
        else:
            cells.append(cell)
            used += size
    room = _room(data, free) if fits else None
    gap = (content or 65536) - (first + 2 * count)
    whole = room is not None and gap >= 0 and first + 2 * count + gap + room + data[start + 7] + used == len(data)
    last = int.from_bytes(data[start + 8 : start + 12], "big") if inner else None
    return Page(kind, cells, last, whole or None in cells, children)


def _room(data: bytes, at: int) -> int | None:
    """Bytes in free blocks, each of which names the next."""
    room, before = 0, 0
    while at:
        if at <= before or at + 4 > len(data):
            return None
        following, size = struct.unpack(">2H", data[at : at + 4])
        room, before, at = room + size, at, following
    return room


def _cell(pages: Pages, data: bytes, kind: int, at: int) -> tuple[Cell, int]:
    """With the bytes that it takes on its page. Raises UnreadableRecordError."""
    begin, child, rowid = at, None, None
    if kind in (INNER_INDEX, INNER_TABLE):
        child, at = int.from_bytes(data[at : at + 4], "big"), at + 4
    if kind == INNER_TABLE:
        rowid, at = varint(data, at)
        return Cell(child, rowid, (), ()), max(4, at - begin)
    length, at = varint(data, at)
    if kind == LEAF_TABLE:
        rowid, at = varint(data, at)
    if not 0 <= length <= 1 << 30:
        raise UnreadableRecordError
    usable = len(data)
    most = usable - 35 if kind == LEAF_TABLE else (usable - 12) * 64 // 255 - 23
    local = length
    if length > most:
        least = (usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (usable - 4)
        local = local if local <= most else least
    if at + local > usable:
        raise UnreadableRecordError
    payload, overflow = data[at : at + local], tuple[int, ...]()
    at += local
    if local < length:
        if at + 4 > usable:
            raise UnreadableRecordError
        payload, overflow = _overflow(pages, payload, length, int.from_bytes(data[at : at + 4], "big"))
        at += 4
    return Cell(child, rowid, record(payload), overflow), max(4, at - begin)


def _overflow(pages: Pages, payload: bytes, length: int, number: int) -> tuple[bytes, tuple[int, ...]]:
    parts, size, chain = [payload], len(payload), dict[int, None]()
    while size < length:
        data = pages.page(number)
        if data is None or number in chain or not number:
            raise UnreadableRecordError
        chain[number] = None
        part = data[4 : 4 + length - size]
        parts.append(part)
        size += len(part)
        number = int.from_bytes(data[:4], "big")
    return b"".join(parts), tuple(chain)
