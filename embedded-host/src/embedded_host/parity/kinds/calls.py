"""The kinds of findings of calls that do not end on the Azure Functions host.

Source: the recordings of the Azure Functions host and the source code of its extensions
(docs/reference/functions-host.md#effects-of-actions and #entity-trigger).
"""

from __future__ import annotations

from embedded_host.parity.kinds import Kind

UNKNOWN_FUNCTION = Kind(
    "EH883",
    "an instance of the orchestrator {function} stays Running forever, because it calls a function "
    "that does not exist or is in error",
    "Correct the name, or the function's files.",
)
CHILD_ID = Kind(
    "EH884",
    "an instance of the orchestrator {function} stays Running forever, because the id of a "
    "sub-orchestration starts with '@' or belongs to an unfinished instance",
    "Use another id, or omit the id to generate one.",
)
ENTITY_BATCH = Kind(
    "EH885",
    "the operations of the entity {function} run again and again, because its function fails as a "
    "whole or returns a value that JSON cannot represent",
    "Create the function with df.Entity.create, and set states and results that json.dumps "
    "accepts.",
)
OTHER_VERSION = Kind(
    "EH886",
    "an instance of the orchestrator {function} stays Pending forever, because its version is not "
    "extensions.durableTask.defaultVersion, and versionMatchStrategy is Strict",
    "Set versionMatchStrategy in host.json to CurrentOrOlder or None.",
)
EMPTY_ERROR = Kind(
    "EH887",
    "an instance of the orchestrator {function} stays Running forever, because it raises an "
    "exception without a text, and azure-functions-durable is older than 1.3",
    "Raise exceptions with a text, or install a newer version of azure-functions-durable.",
)
UNKNOWN_FUNCTION_OF_2X = Kind(
    "EH889",
    "an instance of the orchestrator {function} fails at the call of a function that does not "
    "exist, and the orchestrator cannot catch the error",
    "Correct the name.",
)
