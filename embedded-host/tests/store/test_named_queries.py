from __future__ import annotations

import re

import pytest

from embedded_host.store.named_queries import named_queries


@pytest.mark.parametrize("file", ["queries.sql", "overview.sql"])
def test_each_query_of_a_file_has_a_name(file: str) -> None:
    queries = named_queries(file)
    assert all(name.isidentifier() for name in queries)
    assert all(
        re.match(r"(--.*\n)*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", query)
        for query in queries.values()
    )
