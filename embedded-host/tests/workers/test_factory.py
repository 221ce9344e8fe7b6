from __future__ import annotations

import pytest

from embedded_host.workers.factory import make_worker
from embedded_host.workers.in_process import InProcessWorker
from embedded_host.workers.invocation_log import InvocationLog
from embedded_host.workers.pool import WorkerPool


def test_the_setting_selects_the_kind_of_worker() -> None:
    for in_process, kind in ((True, InProcessWorker), (False, WorkerPool)):
        worker = make_worker({"FUNCTIONS_WORKER_PROCESS_COUNT": "10"}, in_process=in_process)
        assert isinstance(worker, InvocationLog)
        assert isinstance(worker._worker, kind)


@pytest.mark.parametrize("count", ["0", "11", "many", "-1", "1.5"])
def test_the_number_of_processes_is_from_1_to_10(count: str) -> None:
    with pytest.raises(
        ValueError,
        match=rf"FUNCTIONS_WORKER_PROCESS_COUNT is '{count}', but must be a number from 1 to 10\. "
        r"\[EH204\]",
    ):
        make_worker({"FUNCTIONS_WORKER_PROCESS_COUNT": count}, in_process=False)
