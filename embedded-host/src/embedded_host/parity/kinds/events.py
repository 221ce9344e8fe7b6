"""The kinds of findings of external events, and of the end of instances.

Source: the Durable Task extension 3.19.0, DurableTask.Core and SDK 1.x
(docs/reference/functions-host.md#effects-of-actions and #list-and-purge).
"""

from __future__ import annotations

from embedded_host.parity.kinds import Kind

EVENT_BEFORE_WAIT = Kind(
    "EH870",
    "all waits of the orchestrator {function} for an event receive the last event with this name "
    "that arrived before a wait",
    "Send each event under its own name, or send the next event only when the orchestrator awaits "
    "it. An entity keeps all its messages.",
)
NEWEST_WAIT = Kind(
    "EH871",
    "the newest of several waits of the orchestrator {function} for one event name receives the "
    "first event",
    "Use one wait for each name, or another name for each wait.",
)
EVENT_CASE = Kind(
    "EH872",
    "the orchestrator {function} does not receive an event whose name differs from the awaited "
    "name in case",
    "Write the name in the same way in raise_event and wait_for_external_event.",
)
CARRIED_EVENT = Kind(
    "EH873",
    "the orchestrator {function} loses the events that it has not awaited before continue_as_new",
    "Await the events before continue_as_new, or collect them in an entity.",
)
PURGE = Kind(
    "EH876",
    "the purge also deletes instances of {function} that this host keeps, because that host "
    "ignores the invalid parts of a filter, and deletes running instances if no final status "
    "remains",
    "Purge with the statuses Completed, Failed and Terminated, and with valid times.",
)
ORPHANS = Kind(
    "EH877",
    "the sub-orchestrations of a terminated instance of the orchestrator {function} continue "
    "without a message",
    "Terminate the sub-orchestrations by their ids.",
)
CALL_HTTP_POLLING = Kind(
    "EH878",
    "call_http in the orchestrator {function} returns the response 202 instead of the final "
    "response",
    "Poll the URL of the Location header in the orchestrator, with a timer between the requests.",
)
