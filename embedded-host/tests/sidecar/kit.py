"""The service over a task hub with a manual clock."""

from __future__ import annotations

import json
from typing import Any

from embedded_host.sidecar.service import TaskHubSidecarService
from tests.task_hub.app import chain, fails, waits
from tests.task_hub.kit import HubUnderTest, InlineInvoker

MISSING = "ffffffffffffffffffffffffffffffff"


def hello(context: Any) -> Any:
    yield context.call_activity("Echo", 1)
    return "World"


def wait_event(context: Any) -> Any:
    return (yield context.wait_for_external_event("approval"))


def native_chain(context: Any) -> Any:
    yield context.call_activity("Echo", 1)
    return ["Tokyo", {"city": "Tokyo"}, None]


def parent(context: Any) -> Any:
    yield context.call_sub_orchestrator("Middle", None, f"{context.instance_id}-m")


def middle(context: Any) -> Any:
    yield context.call_sub_orchestrator("Waits", None, f"{context.instance_id}-kid")


def parent_of_hello(context: Any) -> Any:
    return (yield context.call_sub_orchestrator("Hello", None, f"{context.instance_id}-kid"))


def tally(context: Any) -> None:
    state = context.get_state(lambda: 0)
    if context.operation_name == "add":
        # SDK 2.x encodes an input as JSON once, and SDK 1.x would decode it twice.
        context.set_state(state + int(context._input))
    elif context.operation_name == "forget":
        context.destruct_on_exit()
    elif context.operation_name == "explode":
        raise ValueError("tally exploded")


class ServiceUnderTest:
    """The service, and calls of its methods with Python values.

    ``options`` are the options of the hub.
    """

    def __init__(self, *, is_functions: bool = True, **options: Any) -> None:
        invoker = InlineInvoker(
            {
                "Hello": hello,
                "WaitEvent": wait_event,
                "Waits": waits,
                "NativeChain": native_chain,
                "NativeVersion": hello,
                "Chain": chain,
                "Fails": fails,
                "Parent": parent,
                "Middle": middle,
                "ParentOfHello": parent_of_hello,
            },
            {"Echo": lambda value: value, "Double": lambda n: 2 * n},
            {"Counter": tally, "Tally": tally},
        )
        self.host = HubUnderTest(invoker, **options)
        self.service = TaskHubSidecarService(self.host.client, is_functions=is_functions)

    async def call(self, method: str, **request: Any) -> tuple[int, Any]:
        """Return the status and the response, once the hub is idle."""
        status, body = await self.service.call(method, json.dumps(request).encode())
        await self.host.idle()
        return status, json.loads(body)

    async def ok(self, method: str, **request: Any) -> Any:
        status, response = await self.call(method, **request)
        assert status == 0, response
        return response

    async def start(self, name: str, instance_id: str = "i-1", **fields: Any) -> None:
        await self.ok("StartInstance", name=name, instanceId=instance_id, **fields)

    async def state(self, instance_id: str = "i-1", **fields: Any) -> dict[str, Any]:
        """Return the state of an instance with its inputs and outputs."""
        found = await self.ok(
            "GetInstance", **{"instanceId": instance_id, "getInputsAndOutputs": True, **fields}
        )
        state: dict[str, Any] = found["orchestrationState"]
        return state

    async def status(self, instance_id: str = "i-1") -> str:
        return self.host.row(instance_id).status

    async def signal(self, entity: str, operation: str, input: Any = None, **fields: Any) -> None:
        value = {} if input is None else {"input": json.dumps(input)}
        await self.ok("SignalEntity", instanceId=entity, name=operation, **value, **fields)
