"""The stored log records of the host."""

from __future__ import annotations

import logging

from embedded_host.workers.host_records import HostRecords, about
from embedded_worker.log_levels import ERROR, INFORMATION
from embedded_worker.protocol import LogLine


def test_a_record_belongs_to_the_function_and_the_instance_of_its_extra() -> None:
    lines: list[LogLine] = []
    log = logging.Logger("embedded_host.test")
    log.addHandler(HostRecords(lines.extend))
    log.error("'%s' failed with ?code=%s", "F", "s" * 40, extra=about("F", "i-1"))
    log.info("plain")
    assert [(line.level, line.function, line.instance_id, line.text) for line in lines] == [
        (ERROR, "F", "i-1", "'F' failed with ?code=[Hidden Credential]"),
        (INFORMATION, "", "", "plain"),
    ]
    assert {line.category for line in lines} == {"embedded_host.test"}
    assert lines[0].time > 1_700_000_000_000_000
