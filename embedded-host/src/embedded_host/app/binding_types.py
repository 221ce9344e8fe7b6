"""Binding types, their properties, and the values of these properties.

Source: https://learn.microsoft.com/azure/azure-functions/functions-triggers-bindings and the pages
that it links to. The values of ``authLevel`` and ``direction`` are those of the Azure Functions
host (functions-host.md#http-routing and #authorization).
"""

from __future__ import annotations

from typing import NamedTuple

COMMON = ("type", "name", "direction", "dataType")
DIRECTIONS = ("in", "out", "inout")
AUTH_LEVELS = ("anonymous", "function", "admin", "system", "user")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT")

PROPERTIES: dict[str, tuple[str, ...]] = {
    "httpTrigger": ("authLevel", "methods", "route", "webHookType"),
    "http": (),
    "orchestrationTrigger": ("orchestration", "durableRequiresGrpc"),
    "activityTrigger": ("activity", "durableRequiresGrpc"),
    "entityTrigger": ("entityName", "durableRequiresGrpc"),
    "durableClient": ("taskHub", "connectionName", "externalClient", "durableRequiresGrpc"),
    "orchestrationClient": ("taskHub", "connectionName", "externalClient", "durableRequiresGrpc"),
    "timerTrigger": ("schedule", "runOnStartup", "useMonitor"),
    "queueTrigger": ("queueName", "connection"),
    "queue": ("queueName", "connection"),
    "blobTrigger": ("path", "connection", "source"),
    "blob": ("path", "connection"),
    "eventHub": ("eventHubName", "path", "connection"),
    "eventGridTrigger": (),
    "eventGrid": ("topicEndpointUri", "topicKeySetting", "connection"),
    "table": ("tableName", "partitionKey", "rowKey", "take", "filter", "connection"),
    "warmupTrigger": (),
}
"""Properties of each type, in addition to ``COMMON``. Other types may have any property."""

TYPES = (
    *PROPERTIES,
    *(
        "serviceBusTrigger",
        "serviceBus",
        "eventHubTrigger",
        "cosmosDBTrigger",
        "cosmosDB",
        "sendGrid",
        "twilioSms",
    ),
    *(
        "signalRTrigger",
        "signalR",
        "signalRConnectionInfo",
        "sqlTrigger",
        "sql",
        "kafkaTrigger",
        "kafka",
    ),
    *(
        "rabbitMQTrigger",
        "rabbitMQ",
        "daprServiceInvocationTrigger",
        "daprTopicTrigger",
        "daprBindingTrigger",
    ),
    *(
        "redisPubSubTrigger",
        "redisListTrigger",
        "redisStreamTrigger",
        "redis",
        "mysqlTrigger",
        "mysql",
    ),
    *(
        "webPubSubTrigger",
        "webPubSub",
        "webPubSubConnection",
        "assistantSkillTrigger",
        "mcpToolTrigger",
    ),
    *(
        "manualTrigger",
        "generic",
        "kustoDb",
        "kusto",
        "embeddings",
        "textCompletion",
        "semanticSearch",
    ),
)


class DurableTrigger(NamedTuple):
    """The kind of a durable function, and the property of its trigger that contains its name."""

    kind: str
    """``orchestrator``, ``activity`` or ``entity``."""
    name_property: str
    """The name of the trigger's property, such as ``entityName``."""


DURABLE_TRIGGERS = {
    "orchestrationtrigger": DurableTrigger("orchestrator", "orchestration"),
    "activitytrigger": DurableTrigger("activity", "activity"),
    "entitytrigger": DurableTrigger("entity", "entityName"),
}
"""Durable triggers by their type in lower case."""

CLIENTS = ("durableclient", "orchestrationclient")
"""The types of a durable client, in lower case."""

RESOLVED = frozenset(
    {
        "taskhub",
        "connectionname",
        "schedule",
        "queuename",
        "topicname",
        "subscriptionname",
        "path",
        "eventhubname",
    }
    | {
        "consumergroup",
        "tablename",
        "partitionkey",
        "rowkey",
        "orchestration",
        "activity",
        "entityname",
    }
)
"""Properties, in lower case, in which ``%SETTING%`` is replaced. ``route`` is not one of them.

Source: functions-host.md#local-settings-json.
"""

FUNCTION_KEYS = (
    "bindings",
    "scriptFile",
    "entryPoint",
    "disabled",
    "retry",
    "configurationSource",
    "generatedBy",
    "$schema",
)
