"""The vocabulary of bindings: their types, properties and values.

From https://learn.microsoft.com/azure/azure-functions/functions-triggers-bindings and the pages it lists; the values of
``authLevel`` and ``direction`` are the enumerations of the real host (functions-host.md#http-routing and #authorization).
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
"""Type -> the properties it has besides the common ones. Types that are not here may have any."""

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
    kind: str
    """``orchestrator``, ``activity`` or ``entity``"""
    name_property: str
    """The binding's property with the durable name."""


DURABLE_TRIGGERS = {
    "orchestrationtrigger": DurableTrigger("orchestrator", "orchestration"),
    "activitytrigger": DurableTrigger("activity", "activity"),
    "entitytrigger": DurableTrigger("entity", "entityName"),
}
"""By type, in lower case."""

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
"""Properties (lower case) in which ``%SETTING%`` is resolved (functions-host.md#local-settings-json); ``route`` is not among them."""

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
