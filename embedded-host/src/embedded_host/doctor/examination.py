"""Read the data of the app and of this machine, and run all checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timezone
from importlib import metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet

from embedded_host.app.definitions import App, Function, LocalSettings
from embedded_host.app.errors import AppError
from embedded_host.app.extension_bundle import has_own_extensions
from embedded_host.app.folder import read_app
from embedded_host.app.json_file import JsonFileError, read_json
from embedded_host.app.local_settings import effective_environment, read_local_settings
from embedded_host.doctor.app_environment import (
    AppEnvironment,
    AppEnvironmentError,
    read_environment,
)
from embedded_host.doctor.bundle_checks import check_bundle
from embedded_host.doctor.code_checks import check_code
from embedded_host.doctor.conflict_checks import check_conflicts, check_test_kit
from embedded_host.doctor.finding import Finding, finding_of, finding_of_error
from embedded_host.doctor.interpreter_checks import (
    check_python,
    check_selection,
    unusable_interpreter,
)
from embedded_host.doctor.package_checks import (
    check_installed,
    check_listed,
    check_sdk,
    install_fix,
)
from embedded_host.doctor.requirements_file import RequirementsFile, read_requirements
from embedded_host.doctor.setting_checks import (
    check_bindings,
    check_durable_storage,
    check_required,
)
from embedded_host.doctor.state_checks import check_file, check_folder, check_lock, check_port
from embedded_host.doctor.supported_versions import SDK
from embedded_host.store.files import STATE_FILE, STATE_FOLDER
from embedded_host.workers.app_interpreter import (
    AppInterpreter,
    AppInterpreterError,
    find_app_interpreter,
)
from embedded_host.workers.app_loading import AppLoadingError, load_app
from embedded_host.workers.shared_environment import DISTRIBUTION

LOADING_TIMEOUT = 60.0
"""Seconds until the load of the app is stopped."""


@dataclass(frozen=True)
class Examination:
    """The result of all checks."""

    root: Path
    interpreter: AppInterpreter | None
    environment: AppEnvironment | None
    findings: tuple[Finding, ...]
    """Errors first, otherwise in the order of the checks."""

    def count(self, severity: str) -> int:
        """Return the number of findings with a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def sdk(self) -> dict[str, str | None]:
        """Return the installed version of each package of the SDK."""
        environment = self.environment
        return {name: environment.installed(name) if environment else None for name in SDK}

    def document(self) -> dict[str, object]:
        """Return the JSON object of ``--json``."""
        return {
            "app": str(self.root),
            "interpreter": {
                "executable": self.interpreter.executable if self.interpreter else None,
                "reason": self.interpreter.reason if self.interpreter else None,
                "python": self.environment.python if self.environment else None,
            },
            "sdk": self.sdk(),
            "findings": [finding.document() for finding in self.findings],
            "errors": self.count("error"),
            "warnings": self.count("warning"),
        }


def examine(
    root: Path, environ: Mapping[str, str], python: str | None = None, today: date | None = None
) -> Examination:
    """Check the app in the folder ``root``, an absolute path.

    ``environ`` has the environment variables, and ``python`` is the value of ``--python``. The
    checks depend on the date ``today``, because Azure retires Python versions.
    """
    examiner = _Examiner(root, environ, today or datetime.now(timezone.utc).date())
    examiner.run(python)
    findings = sorted(dict.fromkeys(examiner.findings), key=lambda f: f.severity != "error")
    return Examination(examiner.root, examiner.interpreter, examiner.environment, tuple(findings))


class _Examiner:
    def __init__(self, root: Path, environ: Mapping[str, str], today: date) -> None:
        self.root, self.process_environ, self.today = root, environ, today
        self.findings: list[Finding] = []
        self.interpreter: AppInterpreter | None = None
        self.environment: AppEnvironment | None = None
        self.requirements = RequirementsFile()
        local, _ = read_local_settings(root)
        added, notes = effective_environment(local, environ, root)
        self.environ = {**environ, **added}
        self.settings = {**local.values, **environ}
        """The settings without those that the embedded host adds."""
        self.local: LocalSettings = local
        self.notes = notes

    def run(self, python: str | None) -> None:
        app = self.read_app()
        self.requirements = read_requirements(self.root)
        self.examine_interpreter(python)
        self.examine_packages()
        self.examine_app(app)
        self.examine_state()

    def add(self, findings: Iterable[Finding]) -> None:
        self.findings += findings

    def has(self, *codes: str) -> bool:
        """Return True if there is an error with one of the codes."""
        return any(f.code in codes and f.severity == "error" for f in self.findings)

    def read_app(self) -> App | None:
        try:
            app = read_app(self.root, self.process_environ)
        except AppError as error:
            self.add(map(finding_of, error.problems))
            return None
        self.add(map(finding_of, (*app.problems, *self.notes)))
        return app

    def examine_interpreter(self, python: str | None) -> None:
        try:
            self.interpreter = find_app_interpreter(self.root, self.environ, option=python)
        except AppInterpreterError as error:
            self.add([finding_of_error(error)])
            return
        self.add(check_selection(self.interpreter))
        try:
            self.environment = read_environment(self.interpreter, self.environ, self.root)
        except AppEnvironmentError as error:
            self.add([unusable_interpreter(self.interpreter, error)])
            return
        self.add(check_python(self.environment, self.today))

    def examine_packages(self) -> None:
        self.add(self.requirements.findings)
        self.add(check_listed(self.requirements))
        environment = None if self.has("EH231") else self.environment
        if environment is not None and self.interpreter is not None:
            install = install_fix(self.interpreter, self.root, environment.python)
            self.add(check_sdk(self.interpreter, environment, self.requirements, install))
            self.add(check_installed(environment, self.requirements, install))
            self.add(check_conflicts(environment))
        needs, versions = host_requirements()
        self.add(check_test_kit(self.requirements, environment, needs, versions))

    def examine_app(self, app: App | None) -> None:
        if app is None:
            return
        functions: Iterable[Function] = app.functions
        is_usable = self.environment is not None and not self.has("EH219", "EH230", "EH231")
        if is_usable and self.interpreter is not None:
            try:
                loading = load_app(app, self.environ, self.interpreter, LOADING_TIMEOUT)
            except AppLoadingError as error:
                self.add([finding_of_error(error)])
            else:
                self.add(check_code(loading))
                functions = loading.app.app.functions
        self.add(check_required(self.settings))
        self.add(check_bindings(functions, self.settings))
        self.add(check_durable_storage(app.host.document, self.settings))
        self.add(self._bundle(app))

    def _bundle(self, app: App) -> Iterator[Finding]:
        try:
            file = read_json(self.root / "host.json", "host.json")
        except (OSError, JsonFileError):  # ``read_app`` has reported it
            return
        yield from check_bundle(
            file,
            app.host.document,
            uses_v2_model=app.uses_v2_model,
            has_extensions=has_own_extensions(self.root),
        )

    def examine_state(self) -> None:
        folder = self.root / STATE_FOLDER
        lock = check_lock(folder)
        is_running = lock is not None and lock.code == "EH211"
        checks: tuple[Callable[[], Finding | None], ...] = (
            lambda: lock,
            lambda: check_folder(folder),
            lambda: check_file(folder / STATE_FILE),
        )
        self.add(finding for check in checks if (finding := check()) is not None)
        self.add(
            check_port(
                self.local.address or "127.0.0.1",
                self.local.port or 7071,
                host_is_running=is_running,
            )
        )


def host_requirements() -> tuple[list[str], SpecifierSet]:
    """Return the requirements of the host's package, and its Python versions."""
    try:
        package = metadata.metadata(DISTRIBUTION)
        needs = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:  # the source without its package
        return [], SpecifierSet()
    return needs, SpecifierSet(package["Requires-Python"] or "")
