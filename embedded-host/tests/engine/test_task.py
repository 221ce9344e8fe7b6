from __future__ import annotations

from embedded_host.engine.task import PendingTask, Task, settled


def test_callbacks_run_once_when_the_task_settles() -> None:
    task, calls = Task(), list[str]()
    task.then(lambda: calls.append("a"))
    task.then(lambda: calls.append("b"))
    assert calls == []
    task.settle()
    task.settle()
    assert (task.done, calls) == (True, ["a", "b"])


def test_a_callback_of_a_settled_task_runs_at_once() -> None:
    calls: list[str] = []
    settled().then(lambda: calls.append("a"))
    assert calls == ["a"]


def test_an_open_decision_is_neither_failed_nor_cancelled() -> None:
    decision = PendingTask()
    assert (decision.done, decision.failed, decision.cancelled) == (False, False, False)
