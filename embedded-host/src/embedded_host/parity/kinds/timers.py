"""The kinds of findings of durable timers and of timer functions.

Source: the recordings of the Azure Functions host on Azure Storage, and the source code of its
extensions (docs/reference/functions-host.md#effects-of-actions).
"""

from __future__ import annotations

from embedded_host.parity.kinds import Kind

EARLY_TIMER = Kind(
    "EH874",
    "a durable timer or retry interval of the orchestrator {function} ends up to a second early",
    "Use timers and intervals of several seconds, and do not depend on the last second.",
)
LATE_CONTINUATION = Kind(
    "EH875",
    "an instance of the orchestrator {function} continues later",
    "Use timers of at most six days together with events, and do not depend on the retry interval "
    "of a suspended instance.",
)
SCHEDULE = Kind(
    "EH879",
    "the timer function {function} runs at other times",
    "Set the app setting WEBSITE_TIME_ZONE to the time zone of the schedule. A time zone without "
    "daylight saving time, such as UTC, avoids both problems.",
)
