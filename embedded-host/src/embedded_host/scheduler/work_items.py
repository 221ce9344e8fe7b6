"""Work items: the turns, activities and entity batches that wait for a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import durabletask.internal.orchestrator_service_pb2 as pb
from google.protobuf.message import Message

from embedded_worker.sdk2.grpc_server import WorkItemKind

KINDS: tuple[WorkItemKind, ...] = ("orchestrator", "activity", "entity")


def _future() -> asyncio.Future[Message | None]:
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False)
class WorkItem:
    """One call of an orchestrator, an activity or an entity."""

    kind: WorkItemKind
    name: str
    """The name of the function. The name of an entity is in lower case."""
    version: str
    """The version of the orchestration or activity, or "" if it has none."""
    instance_id: str
    request: Callable[[], pb.WorkItem | None]
    """Returns the message for a worker, or None if the call is not needed anymore."""
    is_wanted: Callable[[], bool] = lambda: True
    result: asyncio.Future[Message | None] = field(default_factory=_future)
    """The response of a worker, or None if the call was withdrawn."""
    abandoned: int = 0
    """Number of times that a worker has abandoned the item."""

    @property
    def group(self) -> tuple[WorkItemKind, str, str]:
        """The kind, name and version. Filters accept or refuse all items of a group."""
        return self.kind, self.name, self.version

    @property
    def description(self) -> str:
        """The text for messages, such as ``the activity 'A' of the instance 'i'``."""
        version = f" (version {self.version})" if self.version else ""
        if self.kind == "entity":
            return f"a batch of the entity '{self.instance_id}'"
        return f"the {self.kind} '{self.name}'{version} of the instance '{self.instance_id}'"

    def withdraw(self) -> None:
        """End the call without a result."""
        self.finish(None)

    def finish(self, response: Message | None) -> None:
        """Set the result, unless the caller has stopped waiting."""
        if not self.result.done():
            self.result.set_result(response)
