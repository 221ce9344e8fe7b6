"""Hundreds of damaged states: none makes ``recover`` fall over, and none loses anything of which it does not say so.

EMBEDDED_HOST_DAMAGED says how many more than in an ordinary run.
"""

from __future__ import annotations

import os
import random
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from embedded_host.recovery.instances import FINAL
from embedded_host.store.interface import InstanceFilter
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.instances import load
from tests.cli.calling import call
from tests.recovery.states import (
    DAMAGES,
    DAMAGES_OF_A_LOG,
    Damage,
    Rows,
    copied,
    is_sound,
    make_state,
    readable_instances,
    rows_of,
)

EACH = 6 * int(os.environ.get("EMBEDDED_HOST_DAMAGED", "1"))
"""Seeds of each kind of damage to each kind of state."""
STATES = {"small": (20, False), "large": (180, False), "with a log": (60, True)}


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("states")
    made = {}
    for name, (count, with_log) in STATES.items():
        (folder / name).mkdir()
        made[name] = make_state(folder / name, count, with_log=with_log)
    return made


def damaged_copy(original: Path, folder: Path, damage: Damage, of_log: bool, chance: random.Random) -> Path:
    folder.mkdir()
    for file in original.parent.iterdir():
        shutil.copyfile(file, folder / file.name)
    target = folder / ("state.db-wal" if of_log else "state.db")
    data = bytearray(target.read_bytes())
    damage(data, chance)
    target.write_bytes(data)
    return folder / "state.db"


CASES = [
    *((name, damage, False) for name in STATES for damage in DAMAGES),
    *(("with a log", damage, True) for damage in DAMAGES_OF_A_LOG),
]


@pytest.mark.parametrize(
    ("name", "damage", "of_log"), CASES, ids=[f"{n}-{d.__name__}{'-of-log' if of else ''}" for n, d, of in CASES]
)
def test_damage(states: dict[str, Path], tmp_path: Path, name: str, damage: Damage, of_log: bool) -> None:
    with copied(states[name], tmp_path / "original") as sound:
        original = rows_of(sound)
    for seed in range(EACH):
        path = damaged_copy(states[name], tmp_path / str(seed), damage, of_log, random.Random(f"{name} {seed}"))
        try:
            check(path, original, tmp_path)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        shutil.rmtree(path.parent)


def check(path: Path, original: Rows, folder: Path) -> None:
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    with copied(path, folder / "looked-at") as look:
        sound = is_sound(look)
        seen = rows_of(look) if sound else None
    with copied(path, folder / "looked-at") as look:
        readable = readable_instances(look)
    called = call("recover", "--state", path.parent, "--json")
    if called.code == 1:
        assert "Nothing can be got out of" in called.err, called
        assert not readable, f"SQLite reads {len(readable)} instances"
        assert {n: (path.parent / n).read_bytes() for n in before} == before
        return
    report = called.json
    if report["damagedFile"] is None:
        assert sound
        assert {n: (path.parent / n).read_bytes() for n in before} == before
    else:
        kept = Path(report["damagedFile"])
        for file, data in before.items():
            if not file.endswith("-shm"):
                assert kept.with_name(kept.name + file.removeprefix("state.db")).read_bytes() == data
    if sound and seen is not None and "log" in " ".join(report["problems"]):
        original = seen  # the log was cut off: it is a state as of an earlier commit
    recovered_is_usable(path)
    nothing_is_lost_in_silence(rows_of(path), original, readable, report)


def recovered_is_usable(path: Path) -> None:
    assert is_sound(path)
    with closing(SqliteStore(path, fsync=False)) as store:
        for row in store.list("Hub", InstanceFilter(), 10_000):
            load(store, row)
        list(store.all_messages())
        list(store.all_activities())
        store.highest_keys()


def nothing_is_lost_in_silence(
    found: Rows, original: Rows, readable: dict[str, tuple[Any, ...]], report: dict[str, Any]
) -> None:
    told = {one["id"] for kind in ("failed", "incomplete", "left_out") for one in report[kind]}
    there = {row[2]: row for row in found["instances"].values()}
    # An id that was damaged in a way that nobody can see is another id.
    others_may_be_lost = None in told or any("there may have been others" in problem for problem in report["problems"])
    for row in original["instances"].values():
        id = row[2]
        # An index in which its id is damaged names it by that one.
        by_key = any(f"(its key was {row[0]})" in one["what"] for one in report["left_out"])
        if id in there or id in told or by_key or others_may_be_lost:
            continue
        assert id in readable or not report["damagedFile"] or is_renamed(row, found), f"{id} is lost in silence"
        assert id not in readable, f"{id} is readable and lost in silence"
    for id, row in readable.items():
        if row[4] in FINAL and id in there and id not in told:
            assert there[id] == row, f"{id} is not as SQLite reads it"
    for key, row in found["instances"].items():
        if row[2] in told or row[4] in FINAL or key not in original["instances"]:
            continue
        for table in ("history", "messages", "activities", "inputs", "entities"):
            wanted = {k for k in original[table] if k[0] == key[0]}
            there_is = {k for k in found[table] if k[0] == key[0]}
            if table == "messages":  # a parent is told of a child that failed
                there_is -= {k for k in there_is if "The state file was damaged" in found[table][k][4]}
            if table in (
                "messages",
                "activities",
            ):  # an id that was damaged in a way that nobody can see: it is the rest that counts
                lost = {original[table][k][2:] for k in wanted - there_is}
                assert lost == {found[table][k][2:] for k in there_is - wanted}, (
                    f"{row[2]} goes on without all of its {table}"
                )
            else:
                assert there_is == wanted, f"{row[2]} goes on without all of its {table}"
    for key, row in found["instances"].items():
        if row[4] in FINAL and row[2] not in told and key in original["instances"]:
            wanted = {k for k in original["history"] if k[0] == key[0]}
            assert {k for k in found["history"] if k[0] == key[0]} == wanted, f"{row[2]} lacks history"


def is_renamed(row: tuple[Any, ...], found: Rows) -> bool:
    """Its id was changed into another one: the row is there, and the index is told to differ."""
    return row[:1] in found["instances"]
