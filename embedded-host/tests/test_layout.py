"""Tests that each module has a test module of its name.

The path is ``tests/PACKAGE/test_MODULE.py``, or ``tests/embedded_worker/test_MODULE.py``.
"""

from __future__ import annotations

from pathlib import Path

import embedded_host

TESTS = Path(__file__).parent
SOURCE = Path(embedded_host.__file__).parent.parent

DECLARATIONS = "it has declarations only"
KINDS = "embedded_host/parity/kinds/"
"""The folder of modules with the kinds of parity findings (tests/parity/test_kinds.py)."""
WITHOUT_TEST_MODULE = {
    "embedded_host/__main__.py": "tests/e2e/test_startup.py starts the host with it",
    "embedded_host/app/binding_types.py": DECLARATIONS,
    "embedded_host/app/definitions.py": DECLARATIONS,
    "embedded_host/app/errors.py": DECLARATIONS,
    "embedded_host/app_server.py": "tests/e2e runs it in a host, tests/testing in the test kit",
    "embedded_host/cli/reader.py": DECLARATIONS,
    "embedded_host/doctor/supported_versions.py": DECLARATIONS,
    "embedded_host/engine/messages.py": DECLARATIONS,
    "embedded_host/engine/sdk_protocols.py": DECLARATIONS,
    "embedded_host/errors.py": DECLARATIONS,
    "embedded_host/host.py": "tests/e2e runs it",
    "embedded_host/host_process.py": "tests/e2e runs it",
    "embedded_host/scheduler/process.py": "tests/scheduler/test_server.py runs it",
    "embedded_host/store/interface.py": DECLARATIONS,
    "embedded_host/telemetry/http_calls.py": DECLARATIONS,
    "embedded_host/testing/errors.py": DECLARATIONS,
    "embedded_host/testing/events.py": DECLARATIONS,
    "embedded_host/workers/process_starter.py": "tests/workers/test_pool_transports.py runs it",
    "embedded_worker/__main__.py": "tests/workers/test_supervisor.py starts workers with it",
    "embedded_worker/current_trace.py": DECLARATIONS,
    "embedded_worker/user_function.py": DECLARATIONS,
}


def modules() -> dict[str, Path]:
    """Return the path of each module's test module by the module's path."""
    found: dict[str, Path] = {}
    for package, tests in (
        ("embedded_host", TESTS),
        ("embedded_worker", TESTS / "embedded_worker"),
    ):
        for file in sorted((SOURCE / package).rglob("*.py")):
            path = file.relative_to(SOURCE / package)
            if file.name != "__init__.py" and "templates" not in path.parts:
                found[f"{package}/{path.as_posix()}"] = (
                    tests / path.parent / f"test_{file.stem.lstrip('_')}.py"
                )
    return found


def test_each_module_has_a_test_module_or_a_reason() -> None:
    missing = [
        module
        for module, test in modules().items()
        if not test.exists() and module not in WITHOUT_TEST_MODULE and not module.startswith(KINDS)
    ]
    assert not missing, (
        f"Add a test module of the module's name, or a reason to {Path(__file__).name}"
    )


def test_no_reason_is_left_for_a_module_that_has_a_test_module_or_is_gone() -> None:
    tests = modules()
    assert not [
        module for module in WITHOUT_TEST_MODULE if module not in tests or tests[module].exists()
    ]


def test_each_test_module_that_a_reason_names_exists() -> None:
    named = [
        word
        for reason in WITHOUT_TEST_MODULE.values()
        for word in reason.replace(",", "").split()
        if "tests/" in word
    ]
    assert named
    assert not [name for name in named if not (TESTS.parent / name).exists()]
