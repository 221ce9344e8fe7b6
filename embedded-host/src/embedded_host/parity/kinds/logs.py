"""The kinds of parity findings of log records.

Source: functions-host.md#logging.
"""

from __future__ import annotations

from embedded_host.parity.kinds import Kind

THREAD_RECORD = Kind(
    "EH855",
    "a log record of {function} is lost, because it is written in a thread, a callback or a task "
    "that does not belong to a running invocation",
    "Await the task in the function, set context.thread_local_storage.invocation_id to "
    "context.invocation_id in the thread, or use print.",
)
IMPORT_RECORD = Kind(
    "EH856",
    "the log records that {function} writes at import are lost, because no function is running, "
    "and this host does not print them either",
    "Write the record in a function, or use print.",
)
