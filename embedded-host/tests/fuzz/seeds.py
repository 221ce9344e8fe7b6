"""Valid inputs of the targets, from which the fuzzer starts."""

from __future__ import annotations

import json

from embedded_worker.framing import encode
from embedded_worker.protocol import InvocationRequest, InvocationResult, TurnRequest

_EVENTS = [
    {"EventType": 12, "EventId": -1, "IsPlayed": False, "Timestamp": "2026-01-01T00:00:00.000001Z"},
    {
        "EventType": 0,
        "EventId": -1,
        "IsPlayed": True,
        "Timestamp": "2026-01-01T00:00:00.000001Z",
        "Name": "Done",
        "Input": '"x"',
        "ParentInstance": None,
        "OrchestrationInstance": {"InstanceId": "i", "ExecutionId": "e"},
    },
    {
        "EventType": 4,
        "EventId": 0,
        "IsPlayed": False,
        "Timestamp": "2026-01-01T00:00:00.000001Z",
        "Name": "A",
        "Input": "1",
    },
    {
        "EventType": 5,
        "EventId": -1,
        "IsPlayed": True,
        "Timestamp": "2026-01-01T00:00:00.000001Z",
        "TaskScheduledId": 0,
    },
    {"EventType": 13, "EventId": -1, "IsPlayed": False, "Timestamp": "2026-01-01T00:00:00.000001Z"},
]
_INSTANCE = {
    "name": "Done",
    "status": "Running",
    "created": "2026-01-01T00:00:00.000001Z",
    "updated": "2026-01-01T00:00:00.000001Z",
    "executionId": "e",
    "generation": 0,
    "parent": None,
    "continued": False,
    "customStatus": None,
    "output": None,
    "input": '"x"',
}
_DOCUMENT = {
    "format": "embedded-host-instance",
    "version": 1,
    "instanceId": "i-1",
    "instance": _INSTANCE,
    "history": _EVENTS,
    "messages": [{"due": None, "event": _EVENTS[3], "executionId": "e"}],
    "activities": [{"name": "A", "input": "1", "executionId": "e", "taskId": 0}],
    "entity": {"hasState": True, "state": "1"},
}
_STATUS = {
    "instanceId": "i",
    "status": {
        "name": "Done",
        "instanceId": "i",
        "runtimeStatus": "Completed",
        "input": None,
        "customStatus": None,
        "output": 1,
        "createdTime": "2026-01-01T00:00:00Z",
        "lastUpdatedTime": "2026-01-01T00:00:00Z",
        "historyEvents": [
            {
                "EventType": "ExecutionStarted",
                "Timestamp": "2026-01-01T00:00:00.000001Z",
                "FunctionName": "Done",
            },
            {
                "EventType": "TaskCompleted",
                "FunctionName": "A",
                "Result": 1,
                "Timestamp": "2026-01-01T00:00:00.1Z",
            },
            {
                "EventType": "ExecutionCompleted",
                "OrchestrationStatus": "Completed",
                "Timestamp": "2026-01-01T00:00:01Z",
            },
        ],
    },
}


def _json(*documents: object) -> tuple[bytes, ...]:
    return tuple(json.dumps(document).encode() for document in documents)


def _output(*actions: object, **fields: object) -> dict[str, object]:
    return {
        "isDone": False,
        "actions": [list(actions)],
        "schemaVersion": 2,
        "output": None,
        "customStatus": None,
        **fields,
    }


def _requests(*lines: str) -> tuple[bytes, ...]:
    head = "Content-Type: application/json\nx-ms-continuation-token: eyJhZnRlciI6ICJpIn0="
    return tuple(f'{line}\n{head}\n\n{{"a": [1, "x"]}}'.encode() for line in lines)


_RETRY = {
    "firstRetryIntervalInMilliseconds": 1000,
    "maxNumberOfAttempts": 3,
    "backoffCoefficient": 2.0,
    "maxRetryIntervalInMilliseconds": 5000,
    "retryTimeoutInMilliseconds": 60000,
}
_ACTIONS = [
    {"actionType": 0, "functionName": "Echo", "input": "1"},
    {"actionType": 1, "functionName": "Echo", "input": "1", "retryOptions": _RETRY},
    {"actionType": 2, "functionName": "Child", "input": "1", "instanceId": "c", "version": "1"},
    {
        "actionType": 3,
        "functionName": "Child",
        "input": None,
        "instanceId": None,
        "retryOptions": _RETRY,
    },
    {"actionType": 5, "fireAt": "2026-01-02T03:04:06.000001Z", "isCanceled": False},
    {"actionType": 6, "externalEventName": "Go", "reason": "ExternalEvent"},
    {"actionType": 7, "instanceId": "@counter@k", "operation": "add", "input": "1"},
    {
        "actionType": 8,
        "httpRequest": {"method": "GET", "uri": "http://h/", "content": None, "headers": {}},
    },
    {"actionType": 9, "instanceId": "@counter@k", "operation": "add", "input": "1"},
    {
        "actionType": 10,
        "instanceId": "@counter@k",
        "operation": "add",
        "input": "1",
        "fireAt": "2026-01-02T03:04:06Z",
    },
]
_OUTPUTS: tuple[object, ...] = (
    *(_output(action) for action in _ACTIONS),
    _output({"actionType": 11, "compoundActions": _ACTIONS[:3]}),
    _output({"actionType": 12, "compoundActions": [_ACTIONS[5], _ACTIONS[4]]}),
    _output({"actionType": 4, "input": "1"}, isDone=True),
    _output(*_ACTIONS, isDone=True, output={"a": [1.5, "x"]}, customStatus={"s": 1}),
    _output(error="boom", isDone=False),
    {
        "entityExists": True,
        "entityState": "1",
        "results": [{"isError": False, "duration": 1, "result": "1"}],
        "signals": [],
    },
    {
        "id": "r",
        "op": "add",
        "input": "1",
        "signal": False,
        "parent": "i-1",
        "parentExecution": "e",
    },
)

SEEDS: dict[str, tuple[bytes, ...]] = {
    "function.json": _json(
        {
            "scriptFile": "__init__.py",
            "entryPoint": "main",
            "bindings": [
                {
                    "type": "httpTrigger",
                    "name": "req",
                    "direction": "in",
                    "methods": ["get"],
                    "route": "x/{id:int?}",
                },
                {"type": "http", "name": "$return", "direction": "out"},
                {"type": "timerTrigger", "name": "t", "schedule": "%NAME%", "direction": "in"},
            ],
        }
    ),
    "host.json": (
        *_json(
            {
                "version": "2.0",
                "functionTimeout": "00:10:00",
                "logging": {"logLevel": {"default": "Information"}},
                "extensions": {
                    "http": {"routePrefix": "api", "maxOutstandingRequests": -1},
                    "durableTask": {
                        "hubName": "Hub",
                        "maxConcurrentActivityFunctions": 3,
                        "storageProvider": {"type": "x"},
                    },
                },
            }
        ),
        b'// comment\n{"version": "2.0", /* x */ "a": [1, 2.5e3, true, null, "\\u00e9\\ud800"],}',
    ),
    "local.settings.json": _json(
        {
            "IsEncrypted": False,
            "Values": {"A": "b", "N": 1, "T": True},
            "ConnectionStrings": {"C": {"ConnectionString": "x", "ProviderName": "y"}},
            "Host": {
                "LocalHttpPort": 7071,
                "CORS": "*",
                "CORSCredentials": False,
                "LocalHttpAddress": "127.0.0.1",
            },
        }
    ),
    "schedule": (
        b"0 */5 * * * *",
        b"0 0 12-15/2 1,15 Jan-Dec MON-FRI",
        b"00:05:00",
        b"1.02:03:04.5",
        b"30 59 23 29 2 *",
    ),
    "route": (
        b"api/x/{id:int}/{name?}\napi/x/5/y",
        b"{*rest}\na/b%2Fc/",
        b"a{b}c{d=e}\nabc",
        b"{a:regex(^\\d+$)}/{b:min(1):max(5)}\n1/2",
        b"{a:guid}.{b:length(2,5)}\nx",
    ),
    "query": (b"a=1&b=%C3%A9&a=2&c=&d", b"A=1&a=+%2B", b"%ff%00=%"),
    "values": (
        b"2026-01-02T03:04:05.678Z",
        b"2026-01-02 03:04 +02:00",
        b"01/02/2026",
        b"Running,Failed",
        b"wait=5",
        b"1e3",
        b'{"after": "i"}',
        b"100",
        b"true",
    ),
    "management": _requests(
        "POST orchestrators/Done/i-3",
        "POST orchestrators/Wait/a+b%23?code=x",
        "GET instances?runtimeStatus=Running&top=2&createdTimeFrom=2026-01-01&showInput=false"
        "&instanceIdPrefix=i",
        "GET instances/i-1?showHistory=true&showHistoryOutput=true&showInput=true"
        "&returnInternalServerErrorOnFailure=true",
        "POST instances/i-1/raiseEvent/Go",
        "POST instances/i-1/terminate?reason=x",
        "POST instances/i-1/suspend?reason=x",
        "POST instances/i-1/resume",
        "POST instances/i-2/rewind",
        "POST instances/i-2/restart?restartWithNewInstanceId=false",
        "DELETE instances/i-2",
        "DELETE instances?createdTimeFrom=2020-01-01&createdTimeTo=2030-01-01"
        "&runtimeStatus=Completed",
        "GET entities/Counter?fetchState=true&top=1&lastOperationTimeFrom=2020-01-01",
        "GET entities/Counter/k",
        "POST entities/Counter/k?op=add",
        "DELETE entities/Counter/k",
        "POST instances/@counter@k/raiseEvent/op",
        "POST instances/@counter@k/suspend?reason=x",
        "POST instances/@counter@k/terminate?reason=x",
        "POST instances/@counter@k/rewind",
        "POST instances/@counter@k/restart",
        "DELETE instances/@counter@k",
        "POST orchestrators/Done/@counter@k",
        "POST makeprimary",
    ),
    "frames": (
        encode(InvocationResult(1, '"x"'))
        + encode(InvocationResult(2, missing=True, counts=[1, 2])),
        encode(TurnRequest(1, "F", "i", "e", "{}", 3)) + encode(InvocationRequest(4, "F", "null")),
        b"\x00\x00\x00\x02\x80\xc0",
    ),
    "outputs": _json(*_OUTPUTS),
    "history": _json(_DOCUMENT, _STATUS, _EVENTS),
    "argument": (b'{"a": [1, 2.5, "x", null, true]}', b'"Tokyo"', b"[[[[[]]]]]"),
    "socket": (
        b"GET /api/echo?x=1 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"POST /api/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
        b"Content-Type: application/json\r\n\r\n[1,2]",
        b"POST /api/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\n[1,2]\r\n0\r\n\r\n",
        b"GET /runtime/webhooks/durabletask/instances?top=1 HTTP/1.1\r\nHost: h\r\n"
        b"Connection: close\r\n\r\n",
        b"POST /runtime/webhooks/durabletask/orchestrators/Done/x HTTP/1.1\r\nHost: h\r\n"
        b"Content-Length: 2\r\n\r\n{}",
        b"HEAD / HTTP/1.0\r\n\r\nGET /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
        b"X: \xe9\xff\r\n y\r\n\r\n",
        b"GET /api/echo/%ff%00%2f..%2f HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
        b"Connection: upgrade\r\n\r\n",
    ),
}
"""The inputs by the target's name."""
