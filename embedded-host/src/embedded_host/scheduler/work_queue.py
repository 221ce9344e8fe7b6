"""The work items of one task hub, and their delivery to the connected workers.

A work item goes to the connected worker that accepts it and runs the fewest items of its kind. A
worker receives at most as many items as it allows. The queue is in memory. After a restart, the
task hub adds the unfinished work items again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import durabletask.internal.orchestrator_service_pb2 as pb
from google.protobuf.message import Message

from embedded_host.scheduler.work_items import KINDS, WorkItem
from embedded_host.scheduler.worker_filter import WorkerFilter
from embedded_worker.sdk2.grpc_server import WorkItemKind

log = logging.getLogger("embedded_host.scheduler")
DEFAULT_LIMIT = 100
"""The number of concurrent work items of a kind for a worker that sets no limit."""
GRACE = 3.0
"""Seconds after which the work items of a disconnected worker are delivered again.

A worker that reconnects or stops can complete its work items in this time.
"""
TURN_LIMIT = 300.0
"""Seconds after which a turn or an entity batch without a result is delivered again.

An activity may run for hours, so it is delivered again only if its worker disconnects or abandons
it.
"""
FIRST_BACKOFF, LONGEST_BACKOFF = 0.2, 30.0
"""Seconds until an abandoned item is delivered again. The first value doubles each time."""
UNACCEPTED = 10.0
"""Seconds after which a work item that no connected worker accepts is logged."""
_Group = tuple[WorkItemKind, str, str]


@dataclass(eq=False)
class Delivery:
    """The delivery of a work item to a worker."""

    item: WorkItem
    stream: WorkerStream
    token: str
    is_sent: bool = False
    timer: asyncio.TimerHandle | None = None
    parts: list[pb.OrchestratorResponse] = field(default_factory=list)
    """The received parts of an incomplete result."""

    def start_timer(self, seconds: float, run: Callable[[Delivery], None]) -> None:
        """Call ``run`` after ``seconds``, and cancel an earlier timer."""
        self.stop_timer()
        self.timer = asyncio.get_running_loop().call_later(seconds, run, self)

    def stop_timer(self) -> None:
        """Stop the timer, if there is one."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class WorkerStream:
    """The stream of work items to one worker."""

    def __init__(self, request: pb.GetWorkItemsRequest) -> None:
        self.filter = WorkerFilter(request)
        self._limits: dict[WorkItemKind, int] = {
            "orchestrator": request.maxConcurrentOrchestrationWorkItems,
            "activity": request.maxConcurrentActivityWorkItems,
            "entity": request.maxConcurrentEntityWorkItems,
        }
        self.running: Counter[WorkItemKind] = Counter()
        self.outbox: asyncio.Queue[Delivery | None] = asyncio.Queue()

    def accepts(self, group: _Group) -> bool:
        """Return True if the worker accepts items of the group."""
        return self.filter.accepts(*group)

    def has_room(self, kind: WorkItemKind) -> bool:
        """Return True if the worker can receive another item of this kind."""
        limit = self._limits[kind]
        return self.running[kind] < (limit if limit > 0 else DEFAULT_LIMIT)

    async def next(self) -> pb.WorkItem | None:
        """Return the next message for the worker, or None at the end of the stream."""
        while (delivery := await self.outbox.get()) is not None:
            if delivery.item.result.done():
                continue
            message = delivery.item.request()
            if message is None:
                delivery.item.withdraw()
                continue
            delivery.is_sent = True
            message.completionToken = delivery.token
            return message
        return None


class WorkQueue:
    """The work items of one task hub and its connected workers."""

    def __init__(self, task_hub: str) -> None:
        self._task_hub = task_hub
        self._ready: dict[_Group, dict[WorkItem, None]] = {}
        """Items that wait for a worker, in order of arrival."""
        self._delayed: dict[WorkItem, asyncio.TimerHandle] = {}
        """Abandoned items that wait for the end of their backoff."""
        self._deliveries: dict[str, Delivery] = {}
        """Deliveries without a result, by completion token."""
        self._of_item: dict[WorkItem, Delivery] = {}
        self._streams: list[WorkerStream] = []
        self._logged: set[_Group] = set()
        self._checks: dict[_Group, asyncio.TimerHandle] = {}
        self._is_closed = False

    # -- items -------------------------------------------------------------------------------------

    async def run(self, item: WorkItem) -> Message | None:
        """Return the response of a worker to ``item``, or None if the item was withdrawn."""
        self._offer(item)
        try:
            return await item.result
        finally:
            self._forget(item)

    @property
    def items(self) -> list[WorkItem]:
        """All items without a result."""
        ready = [item for items in self._ready.values() for item in items]
        return [*ready, *self._delayed, *self._of_item]

    def withdraw_unwanted(self) -> None:
        """Withdraw the items whose result is not needed anymore."""
        for item in self.items:
            if not item.is_wanted():
                item.withdraw()

    def _offer(self, item: WorkItem, avoided: WorkerStream | None = None) -> None:
        """Deliver an item, or keep it until a worker can receive it.

        ``avoided`` receives the item only if no other worker can.
        """
        accepting = [s for s in self._streams if s.accepts(item.group) and s.has_room(item.kind)]
        others = [stream for stream in accepting if stream is not avoided]
        if accepting:
            self._deliver(item, min(others or accepting, key=lambda s: s.running[item.kind]))
            return
        self._ready.setdefault(item.group, {})[item] = None
        if item.group not in self._checks and item.group not in self._logged:
            self._checks[item.group] = asyncio.get_running_loop().call_later(
                UNACCEPTED, self._check, item.group
            )

    def _forget(self, item: WorkItem) -> None:
        """Remove an item that has a result, or whose caller does not wait anymore."""
        if timer := self._delayed.pop(item, None):
            timer.cancel()
        if items := self._ready.get(item.group):
            items.pop(item, None)
            if not items:
                del self._ready[item.group]
        if delivery := self._of_item.get(item):
            self._end(delivery)

    def _check(self, group: _Group) -> None:
        """Log a group whose items no connected worker accepts."""
        self._checks.pop(group, None)
        items = self._ready.get(group)
        if not items or self._any(group):
            return
        self._logged.add(group)
        log.warning(
            "No connected worker of the task hub '%s' accepts %s. The call waits. Connect a worker "
            "that registers the function. Connected workers: %d. [EH414]",
            self._task_hub,
            next(iter(items)).description,
            len(self._streams),
        )

    def _any(self, group: _Group) -> bool:
        return any(stream.accepts(group) for stream in self._streams)

    # -- workers -----------------------------------------------------------------------------------

    @property
    def workers(self) -> int:
        """Number of connected workers."""
        return len(self._streams)

    def connect(self, request: pb.GetWorkItemsRequest) -> WorkerStream:
        """Add a worker and deliver the items that it accepts."""
        stream = WorkerStream(request)
        if self._is_closed:
            stream.outbox.put_nowait(None)
            return stream
        self._streams.append(stream)
        self._logged = {group for group in self._logged if not stream.accepts(group)}
        for item in [item for item in self._delayed if stream.accepts(item.group)]:
            self._delayed.pop(item).cancel()
            if stream.has_room(item.kind):
                self._deliver(item, stream)
            else:
                self._offer(item)
        for kind in KINDS:
            self._fill(stream, kind)
        return stream

    def disconnect(self, stream: WorkerStream) -> None:
        """Remove a worker. Deliver its unfinished items again after ``GRACE`` seconds."""
        if stream in self._streams:
            self._streams.remove(stream)
        for delivery in [d for d in self._deliveries.values() if d.stream is stream]:
            if delivery.is_sent:
                delivery.start_timer(GRACE, self._deliver_again)
            else:
                self._deliver_again(delivery)

    def close(self) -> None:
        """End the streams of all workers."""
        self._is_closed = True
        for stream in self._streams:
            stream.outbox.put_nowait(None)
        for check in self._checks.values():
            check.cancel()
        for timer in self._delayed.values():
            timer.cancel()
        for delivery in self._deliveries.values():
            delivery.stop_timer()

    def _fill(self, stream: WorkerStream, kind: WorkItemKind) -> None:
        """Deliver the oldest items of a kind to the worker, up to its limit."""
        groups = [g for g in self._ready if g[0] == kind and stream.accepts(g)]
        while groups and stream.has_room(kind):
            group = groups.pop(0)
            items = self._ready.get(group)
            if not items:
                continue
            item = next(iter(items))
            del items[item]
            if items:
                groups.append(group)  # the next item is from another group
            else:
                del self._ready[group]
            self._deliver(item, stream)

    def _deliver(self, item: WorkItem, stream: WorkerStream) -> None:
        delivery = Delivery(item, stream, secrets.token_urlsafe(16))
        self._deliveries[delivery.token] = self._of_item[item] = delivery
        stream.running[item.kind] += 1
        if item.kind != "activity":
            delivery.start_timer(TURN_LIMIT, self._expired)
        stream.outbox.put_nowait(delivery)

    def _end(self, delivery: Delivery) -> None:
        """Remove a delivery and its token, and deliver another item to the worker."""
        delivery.stop_timer()
        item, stream = delivery.item, delivery.stream
        if self._deliveries.pop(delivery.token, None) is None:
            return
        self._of_item.pop(item, None)
        stream.running[item.kind] -= 1
        if stream in self._streams and not self._is_closed:
            self._fill(stream, item.kind)

    def _deliver_again(self, delivery: Delivery) -> None:
        self._end(delivery)
        if not delivery.item.result.done() and not self._is_closed:
            self._offer(delivery.item, delivery.stream)

    def _expired(self, delivery: Delivery) -> None:
        log.warning(
            "A worker of the task hub '%s' has not completed %s within %d s. The scheduler "
            "delivers it again. Move calls that block to activities. [EH415]",
            self._task_hub,
            delivery.item.description,
            TURN_LIMIT,
        )
        self._deliver_again(delivery)

    # -- results -----------------------------------------------------------------------------------

    def complete(self, kind: WorkItemKind, token: str, response: Message) -> None:
        """Accept the response to an item. A response with an unknown token is ignored."""
        delivery = self._delivery(kind, token)
        if delivery is None:
            return
        if isinstance(response, pb.OrchestratorResponse):
            if response.requiresHistory:  # the work item had the whole history
                self._deliver_again(delivery)
                return
            if response.isPartial:
                delivery.parts.append(response)
                return
            response = _joined(delivery.parts, response)
        self._end(delivery)
        delivery.item.finish(response)

    def abandon(self, kind: WorkItemKind, token: str) -> None:
        """Deliver an item again after a pause, if possible to another worker."""
        delivery = self._delivery(kind, token)
        if delivery is None:
            return
        self._end(delivery)
        item = delivery.item
        item.abandoned += 1
        if item.result.done() or self._is_closed:
            return
        if item.abandoned & (item.abandoned - 1) == 0 and item.abandoned >= 4:
            log.warning(
                "The workers of the task hub '%s' have abandoned %s %d times. Start a worker that "
                "runs this version. [EH416]",
                self._task_hub,
                item.description,
                item.abandoned,
            )
        seconds = min(FIRST_BACKOFF * 2 ** min(item.abandoned - 1, 20), LONGEST_BACKOFF)
        self._delayed[item] = asyncio.get_running_loop().call_later(
            seconds, self._backoff_ended, item, delivery.stream
        )

    def _backoff_ended(self, item: WorkItem, avoided: WorkerStream) -> None:
        del self._delayed[item]
        self._offer(item, avoided)

    def _delivery(self, kind: WorkItemKind, token: str) -> Delivery | None:
        delivery = self._deliveries.get(token)
        if delivery is None or delivery.item.kind != kind:
            log.debug("A response with an unknown completion token was ignored.")
            return None
        return delivery


def _joined(
    parts: list[pb.OrchestratorResponse], last: pb.OrchestratorResponse
) -> pb.OrchestratorResponse:
    """Return the result of a turn from all its parts."""
    if not parts:
        return last
    parts.sort(key=lambda part: part.chunkIndex.value)
    joined = pb.OrchestratorResponse()
    joined.CopyFrom(last)
    del joined.actions[:]
    for part in (*parts, last):
        joined.actions.extend(part.actions)
    return joined
