"""The kinds of findings of SDK 2.x.

Source: the recordings of SDK 2.0.0rc3 on the Azure Functions host, version 4.1037 with the Durable
extension 3.19.0 (docs/reference/known-differences.md#sdk-2x).
"""

from __future__ import annotations

from embedded_host.parity.kinds import Kind

CONTEXT_NAME = Kind(
    "EH801",
    "the function {function} is invalid, because its trigger has the binding name "
    "'_durable_input', which SDK 2.x derives from context_name=\"context\"",
    'Write context_name="ctx", and rename the parameter.',
    "the functions {functions} are invalid, because their triggers have the binding name "
    "'_durable_input', which SDK 2.x derives from context_name=\"context\"",
)
CALL_HTTP = Kind(
    "EH802",
    "call_http in the orchestrator {function} fails, because the SDK's own orchestrator "
    "BuiltIn__HttpPollOrchestrator has the invalid binding name '_durable_input'",
    "Send the request in an activity.",
)
SCHEDULED_TASKS = Kind(
    "EH803",
    "scheduled tasks do not run, because the SDK's own function {function} has the invalid "
    "binding name '_durable_input'",
    "Start the orchestrator in a timer function.",
)
HISTORY_EXPORT = Kind(
    "EH804",
    "the history export does not run, because the SDK's own function {function} has the invalid "
    "binding name '_durable_input'",
    "Read the histories with the durable client in a timer function.",
)
ENTITY_CALL = Kind(
    "EH805",
    "the entity call or lock request of the orchestrator {function} never returns, because the "
    "host drops its message as a duplicate",
    "Set extensions.durableTask.entityMessageReorderWindowInMinutes to 0 in host.json.",
)
NEWER_VERSION = Kind(
    "EH806",
    "an instance of the orchestrator {function} stays Pending forever, because its version is "
    "newer than extensions.durableTask.defaultVersion",
    "Set defaultVersion in host.json to the newest version that the app starts.",
)
RECURSIVE_TERMINATION = Kind(
    "EH807",
    "the recursive termination of an instance of the orchestrator {function} has no effect on "
    "its sub-orchestrations, which continue",
    "Terminate the sub-orchestrations by their ids.",
)
RECURSIVE_PURGE = Kind(
    "EH808",
    "the recursive purge of an instance of the orchestrator {function} has no effect on its "
    "sub-orchestrations, which remain",
    "Purge the sub-orchestrations by their ids, or purge by status and time.",
)
LARGE_MESSAGE = Kind(
    "EH810",
    "a request or response of the durable client for the function {function} fails with "
    "RESOURCE_EXHAUSTED, because it is larger than "
    "extensions.durableTask.maxGrpcMessageSizeInBytes (4 MB by default)",
    "Increase maxGrpcMessageSizeInBytes in host.json, or pass a reference instead of the value.",
)
