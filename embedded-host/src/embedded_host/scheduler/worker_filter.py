"""The work item filters of a worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import durabletask.internal.orchestrator_service_pb2 as pb

from embedded_worker.sdk2.grpc_server import WorkItemKind

_Versions = frozenset[str]
"""The accepted versions of a function. An empty set accepts every version."""


class WorkerFilter:
    """The functions that a worker accepts. A worker without filters accepts all functions."""

    def __init__(self, request: pb.GetWorkItemsRequest) -> None:
        self._names: Mapping[WorkItemKind, Mapping[str, _Versions]] | None = None
        if request.HasField("workItemFilters"):
            filters = request.workItemFilters
            self._names = {
                "orchestrator": _merged((f.name, f.versions) for f in filters.orchestrations),
                "activity": _merged((f.name, f.versions) for f in filters.activities),
                "entity": _merged((f.name.lower(), ()) for f in filters.entities),
            }

    def accepts(self, kind: WorkItemKind, name: str, version: str) -> bool:
        """Return True if the worker accepts work items of this function.

        The ``name`` of an entity must be in lower case. ``version`` is "" if there is none.
        """
        if self._names is None:
            return True
        versions = self._names[kind].get(name)
        return versions is not None and (not versions or version in versions)


def _merged(functions: Iterable[tuple[str, Iterable[str]]]) -> dict[str, _Versions]:
    """Return the versions by name. A name without versions accepts every version."""
    merged: dict[str, _Versions] = {}
    for name, versions in functions:
        own, earlier = frozenset(versions), merged.get(name)
        merged[name] = own if earlier is None else earlier | own if earlier and own else frozenset()
    return merged
