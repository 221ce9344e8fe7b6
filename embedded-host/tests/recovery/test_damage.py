"""The recovery of files with random damage.

A recovery does not change the damaged file, reports every lost instance, and does not continue an
instance that lost data that it needs. EMBEDDED_HOST_DAMAGED multiplies the number of files.
"""

from __future__ import annotations

import os
import random
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from embedded_host.engine.status import FINISHED
from embedded_host.store.interface import InstanceQuery
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.instances import load
from tests.cli.calling import call
from tests.recovery.states import (
    DAMAGES,
    DAMAGES_OF_A_LOG,
    Damage,
    Rows,
    copied,
    event_type,
    is_sound,
    make_state,
    rows_of,
)

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("sqlite_shell")]

EACH = 2 * int(os.environ.get("EMBEDDED_HOST_DAMAGED", "1"))
"""Number of files for each kind of damage and each kind of state."""
STATES = {"small": (20, False), "large": (180, False), "with a log": (60, True)}
REFUSALS = (
    "Nothing can be recovered from",
    "was written by another version",
    "SQLite cannot rebuild ",
)
CASES = [
    *((name, damage, False) for name in STATES for damage in DAMAGES),
    *(("with a log", damage, True) for damage in DAMAGES_OF_A_LOG),
]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("states")
    states = {}
    for name, (count, with_log) in STATES.items():
        (folder / name).mkdir()
        states[name] = make_state(folder / name, count, with_log=with_log)
    return states


def damaged_copy(
    original: Path, folder: Path, damage: Damage, of_log: bool, chance: random.Random
) -> Path:
    folder.mkdir()
    for file in original.parent.iterdir():
        shutil.copyfile(file, folder / file.name)
    target = folder / ("state.db-wal" if of_log else "state.db")
    data = bytearray(target.read_bytes())
    damage(data, chance)
    target.write_bytes(data)
    return folder / "state.db"


@pytest.mark.parametrize(
    ("name", "damage", "of_log"),
    CASES,
    ids=[f"{n}-{d.__name__}{'-of-log' if of else ''}" for n, d, of in CASES],
)
def test_a_damaged_file_is_recovered_or_rejected_without_silent_losses(
    states: dict[str, Path], tmp_path: Path, name: str, damage: Damage, of_log: bool
) -> None:
    with copied(states[name], tmp_path / "original") as sound:
        original = rows_of(sound)
    for seed in range(EACH):
        path = damaged_copy(
            states[name], tmp_path / str(seed), damage, of_log, random.Random(f"{name} {seed}")
        )
        try:
            check(path, original, tmp_path)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        shutil.rmtree(path.parent)


def check(path: Path, original: Rows, folder: Path) -> None:
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    called = call("recover", "--state", path.parent, "--json")
    after = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    if called.code:
        assert any(text in called.err for text in REFUSALS), called.err
        assert after == {**before, "lock": after["lock"]}
        return
    report = called.json
    if report["damagedFile"] is None:
        assert after == {**before, "lock": after["lock"]}
        with copied(path, folder / "sound") as copy:
            assert is_sound(copy)
        return
    kept_as = Path(report["damagedFile"]).name
    assert {
        name.replace(kept_as, "state.db"): data
        for name, data in after.items()
        if name.startswith(kept_as)
    } == {
        **before,
        "state.db.json": after[f"{kept_as}.json"],
    }
    assert is_sound(path)
    assert "state.db-wal" not in after
    check_instances(path, original, report)


def check_instances(path: Path, original: Rows, report: dict[str, Any]) -> None:
    with closing(SqliteStore(path, fsync=False)) as store:
        for row in store.list("Hub", InstanceQuery(), 10_000):
            load(store, row)
            store.messages(row.key)
    recovered = rows_of(path)
    outcomes = {one["id"]: one for one in report["instances"]}
    remaining = {row[2]: row for row in recovered["instances"].values()}
    assert sum(
        report["counts"][name] for name in ("continued", "finished", "entity", "failed")
    ) == len(remaining)
    some_are_unknown = None in outcomes or any(
        "instances" in problem for problem in report["problems"]
    )
    for key, stored in original["instances"].items():
        # A damaged id cannot be detected: the key then has another id.
        if stored[2] not in remaining and key not in recovered["instances"]:
            reported = outcomes.get(stored[2], {}).get("outcome") == "lost"
            assert reported or some_are_unknown or "malformed" in str(report["problems"]), (
                f"{stored[2]} is lost silently"
            )
    for key, stored in recovered["instances"].items():
        was, outcome = original["instances"].get(key), outcomes[stored[2]]
        if outcome["outcome"] == "failed":
            assert (stored[4], stored[13]) == ("Failed", f"{LOST}: {outcome['detail']}.")
        if was is None or was[2] != stored[2] or outcome["outcome"] in ("failed", "lost"):
            continue
        if stored[4] in FINISHED:
            if outcome["detail"] is None:
                assert of_instance(recovered, "history", key) == of_instance(
                    original, "history", key
                ), f"{stored[2]}: history"
            continue
        for table in ("history", "inputs", "entities", "activities"):
            assert of_instance(recovered, table, key) == of_instance(original, table, key), (
                f"{stored[2]}: {table}"
            )
        if not stored[2].startswith("@"):
            lost = needed_messages(original, key) - needed_messages(recovered, key)
            assert not lost, f"{stored[2]} continues without the messages {lost}"


EVENT_RAISED = 15
LOST = "The state file was damaged, and data that this instance needs was lost"


def of_instance(rows: Rows, table: str, key: tuple[Any, ...]) -> set[tuple[Any, ...]]:
    return {other for other in rows[table] if other[0] == key[0]}


def needed_messages(rows: Rows, key: tuple[Any, ...]) -> set[tuple[Any, ...]]:
    """Return the keys of all messages of an instance except external events."""
    messages = of_instance(rows, "messages", key)
    return {one for one in messages if event_type(rows["messages"][one]) != EVENT_RAISED}
