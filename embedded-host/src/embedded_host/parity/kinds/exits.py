"""The kinds of parity findings about worker processes that exit, block or load slowly."""

from __future__ import annotations

from embedded_host.parity.kinds import Kind

HOST_EXIT = Kind(
    "EH861",
    "the host process exits, because its worker processes have exited too often, the last time "
    "during the function {function}. After the second exit, all calls wait for 10 s",
    "Raise an exception instead of calling sys.exit or os._exit, and run code that can crash in a "
    "child process.",
)
OTHER_CALL = Kind(
    "EH862",
    "a call of the function {function} fails, because another call has ended its worker process. "
    "Here, it ran again",
    "Correct the function that ended the process. To run an activity again there too, call it with "
    "a retry policy.",
)
UNANSWERED = Kind(
    "EH863",
    "a call of the function {function} never ends, because it raises an exception that the worker "
    "does not catch. An HTTP client receives no response, and an instance stays Running",
    "Raise a subclass of Exception.",
)
RUN_AGAIN = Kind(
    "EH864",
    "a call of the function {function} that ends its worker process runs again, until the host "
    "process exits. Here, it failed after three attempts",
    "Raise an exception instead of calling sys.exit or os._exit, and run code that can crash in a "
    "child process.",
)
SILENT_EXIT = Kind(
    "EH866",
    "a call of the function {function} never ends, because its worker process exits with code 0, "
    "which the host takes for the end of a process without calls",
    "Return from the function instead of calling sys.exit or os._exit.",
)
SLOW_IMPORT = Kind(
    "EH865",
    "the app does not start, because the import of {function} takes longer than a minute. Nothing "
    "listens on the port during the import",
    "Import large modules and open connections in the functions that need them.",
)
