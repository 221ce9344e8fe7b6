from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from embedded_host.store.connection import connect
from embedded_host.store.interface import StateError
from embedded_host.store.schema import APPLICATION_ID, SCHEMA_VERSION, check_schema, create_schema

PATH = Path("state.db")


def test_a_new_schema_has_the_application_and_the_version_and_returns_free_pages() -> None:
    with closing(connect(":memory:")) as connection:
        create_schema(connection)
        check_schema(connection, PATH)
        pragmas = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version")
        ]
        assert pragmas == [APPLICATION_ID, SCHEMA_VERSION]
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,), "incremental"


@pytest.mark.parametrize(
    ("pragma", "code"),
    [("application_id = 1", "EH213"), (f"user_version = {SCHEMA_VERSION + 1}", "EH214")],
)
def test_files_of_other_programs_and_versions_are_rejected(pragma: str, code: str) -> None:
    with closing(connect(":memory:")) as connection:
        create_schema(connection)
        connection.execute(f"PRAGMA {pragma}")
        with pytest.raises(StateError, match=code):
            check_schema(connection, PATH)
