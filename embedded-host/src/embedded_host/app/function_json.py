"""One folder with a function.json -> a Function, or what is wrong with it.

The rules are those of the real host's ``HostFunctionMetadataProvider`` and ``FunctionDescriptorProvider`` (
functions-host.md#http-routing): top keys are compared exactly, properties of bindings without regard to case.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded_host.app.binding_types import (
    AUTH_LEVELS,
    COMMON,
    DIRECTIONS,
    FUNCTION_KEYS,
    METHODS,
    PROPERTIES,
    RESOLVED,
    TYPES,
)
from embedded_host.app.definitions import Binding, Function, Problem
from embedded_host.app.json_file import JsonFile, JsonFileError, Place, read_json
from embedded_host.app.route_template import RouteTemplate, RouteTemplateError, function_route
from embedded_host.app.setting import UnresolvedSettingError, resolve_percent
from embedded_host.app.suggestion import closest, did_you_mean
from embedded_host.app.timer_trigger import check_timer

_FUNCTION_NAME = re.compile(r"[a-z][a-z0-9_-]{0,127}", re.IGNORECASE | re.ASCII)
_BINDING_NAME = re.compile(r"(?!.*__)[a-zA-Z_][a-zA-Z0-9_]{0,127}|\$return", re.ASCII)
"""From 4.1038 of the real host on; before, a name could not have an underscore (azure-functions-host, pull request 10764)."""
_TOKEN = re.compile(r"[A-Za-z][A-Za-z-]*", re.ASCII)


@dataclass(frozen=True)
class FunctionFolder:
    """What a folder with a function.json came to."""

    name: str
    function: Function | None
    """None if a problem puts it out of service."""
    problems: tuple[Problem, ...]
    """All that was found, at once."""
    route_place: str
    """``file:line:column`` of the trigger's route, or of what is around it."""
    refused_route: str | None = None
    """Where a function that is out of service would answer, prefix included, as far as its file can be read."""


def read_function(
    directory: Path, environ: Mapping[str, str], route_prefix: str = "api"
) -> FunctionFolder:
    """Reads ``directory`` (absolute; directly in the app's root). Never raises for what stands in the file."""
    name = f"{directory.name}/function.json"
    try:
        file = read_json(directory / "function.json", name)
    except JsonFileError as error:
        problem = error.problem(
            "Correct it; until then the function is out of service.", function=directory.name
        )
        return FunctionFolder(
            directory.name,
            None,
            (problem,),
            name,
            function_route(route_prefix, None, directory.name),
        )
    reader = _Reader(directory, file, environ, route_prefix)
    function = reader.function()
    refused = None if function else reader.refused_route()
    return FunctionFolder(
        directory.name, function, tuple(reader.problems), file.where(reader.route_place), refused
    )


class _Reader:
    def __init__(
        self, directory: Path, file: JsonFile, environ: Mapping[str, str], route_prefix: str
    ) -> None:
        self.directory = directory
        self.route_prefix = route_prefix
        self.route_place: Place = ()
        self.name = directory.name
        self.file = file
        self.environ = environ
        self.problems: list[Problem] = list(
            file.warnings("The host accepts it, other tools do not: take it out.")
        )

    @property
    def is_valid(self) -> bool:
        return not any(problem.function for problem in self.problems)

    def add_error(self, place: Place, what: str, remedy: str = "", *, key: bool = False) -> None:
        self.problems.append(
            Problem(self.file.where(place, key=key), what, remedy, function=self.name, code="EH140")
        )

    def add_warning(self, place: Place, what: str, remedy: str = "", *, key: bool = False) -> None:
        self.problems.append(Problem(self.file.where(place, key=key), what, remedy, code="EH141"))

    def function(self) -> Function | None:
        if not _FUNCTION_NAME.fullmatch(self.name) or self.name.lower() == "host":
            what = f"'{self.name}' cannot be a function's name."
            self.add_error(
                (),
                what,
                "Rename the folder: a letter, then letters, digits, '_' and '-', 128 at most, and not 'host'.",
            )
        config = self.file.value
        if not isinstance(config, dict):
            self.add_error((), "The file must be an object.", 'Write {"bindings": […]}.')
            return None
        self.check_keys(config)
        bindings = self.bindings(config)
        script = self.script_file(config)
        entry_point = config.get("entryPoint") or "main"
        if not isinstance(entry_point, str):
            self.add_error(
                ("entryPoint",), "entryPoint must be the name of a function in the script file."
            )
        if not self.is_valid or script is None:
            return None
        return Function(self.name, self.directory, script, entry_point, bindings, config)

    def refused_route(self) -> str | None:
        """None for what is no HTTP trigger."""
        config = self.file.value if isinstance(self.file.value, dict) else {}
        entries = config.get("bindings")
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and closest(str(entry.get("type")), ("httpTrigger",)):
                route = entry.get("route")
                return function_route(
                    self.route_prefix, route if isinstance(route, str) else None, self.name
                )
        return None

    def check_keys(self, config: Mapping[str, object]) -> None:
        for key in config:
            known = None if key in FUNCTION_KEYS else closest(key, FUNCTION_KEYS)
            if known and known not in config and known != "bindings":
                self.add_warning(
                    (key,),
                    f"'{key}' is not known and has no effect.",
                    f"Did you mean '{known}'?",
                    key=True,
                )
        if config.get("disabled"):
            setting = f"AzureWebJobs.{self.name}.Disabled=true"
            self.add_warning(
                ("disabled",),
                "'disabled' has no effect.",
                f"Set {setting} to disable the function.",
                key=True,
            )

    def bindings(self, config: Mapping[str, object]) -> tuple[Binding, ...]:
        entries = config.get("bindings")
        if "bindings" not in config:
            other = next((key for key in config if closest(key, ("bindings",))), None)
            hint = (
                f"Did you mean 'bindings' where it says '{other}'?"
                if other
                else 'Write "bindings": […].'
            )
            self.add_error((other,) if other else (), "There is no 'bindings'.", hint, key=True)
            return ()
        if not isinstance(entries, list) or not entries:
            self.add_error(
                ("bindings",),
                "'bindings' must be a list of one binding or more.",
                "The first is the trigger.",
            )
            return ()
        bindings = [self.binding(("bindings", index), entry) for index, entry in enumerate(entries)]
        if self.is_valid:
            self.check_triggers([binding for binding in bindings if binding])
        return tuple(binding for binding in bindings if binding)

    def binding(self, place: Place, entry: object) -> Binding | None:
        if not isinstance(entry, dict):
            self.add_error(
                place,
                "A binding must be an object.",
                'Write {"type": …, "name": …, "direction": …}.',
            )
            return None
        spelt = {key.lower(): key for key in entry}
        kind = self.text(place, entry, "type")
        if kind is None:
            return None
        known = {name.lower(): name for name in TYPES}.get(kind.lower())
        if known is None and (close := closest(kind, TYPES)):
            self.add_error(
                (*place, spelt["type"]),
                f"There is no binding type '{kind}'.",
                f"Did you mean '{close}'?",
            )
            return None
        allowed = (*COMMON, *PROPERTIES[known]) if known in PROPERTIES else ()
        self.check_properties(place, entry, known or kind, allowed)
        name = self.text(place, entry, "name")
        binding = Binding(
            type=known or kind,
            name=name or "",
            direction=self.direction(place, entry, known or kind),
            properties=self.properties(place, entry, allowed),
        )
        if name is not None:
            self.check_name((*place, spelt["name"]), binding)
        self.check_direction((*place, spelt.get("direction", "direction")), binding)
        if binding.type == "httpTrigger":
            self.check_http(place, binding, spelt)
        elif binding.type == "timerTrigger":
            for key, what in check_timer(binding):
                self.add_error((*place, spelt.get(key, "type")), what)
        return binding if name is not None else None

    def text(self, place: Place, entry: Mapping[str, object], wanted: str) -> str | None:
        """The property, which must be there; otherwise notes what is wrong."""
        key = next((key for key in entry if key.lower() == wanted), None)
        if key is None:
            other = next((key for key in entry if closest(key, COMMON) == wanted), None)
            hint = f"Did you mean '{wanted}' where it says '{other}'?" if other else ""
            self.add_error(
                (*place, other) if other else place,
                f"The binding has no '{wanted}'.",
                hint,
                key=True,
            )
            return None
        value = entry[key]
        if not isinstance(value, str) or not value:
            self.add_error((*place, key), f"'{wanted}' must be a text.")
            return None
        return value

    def check_properties(
        self, place: Place, entry: Mapping[str, object], kind: str, allowed: tuple[str, ...]
    ) -> None:
        present = {key.lower() for key in entry}
        for key in entry:
            if key.lower() in map(str.lower, allowed):
                continue
            close = closest(key, allowed or COMMON)
            if (
                close and close.lower() not in present and close not in ("type", "name")
            ):  # those two: see ``text``
                meaning = {
                    "methods": " The function answers every method.",
                    "authlevel": " The level is 'function'.",
                }
                what = f"{kind} has no property '{key}': it has no effect.{meaning.get(close.lower(), '')}"
                self.add_warning((*place, key), what, f"Did you mean '{close}'?", key=True)

    def direction(self, place: Place, entry: Mapping[str, object], kind: str) -> str:
        key = next((key for key in entry if key.lower() == "direction"), None)
        if key is None:
            if not any(
                closest(other, COMMON) == "direction" for other in entry
            ):  # else it is said already
                self.add_warning(
                    place,
                    f"The {kind} binding has no 'direction': the host takes it as 'in'.",
                    "Write it.",
                )
            return "in"
        value = entry[key]
        if isinstance(value, str) and value.lower() in DIRECTIONS:
            return value.lower()
        hint = did_you_mean(value, DIRECTIONS) if isinstance(value, str) else ""
        self.add_error(
            (*place, key), f"{value!r} is not a direction.", hint or "Write 'in', 'out' or 'inout'."
        )
        return "in"

    def properties(
        self, place: Place, entry: Mapping[str, object], allowed: tuple[str, ...]
    ) -> dict[str, object]:
        documented = {name.lower(): name for name in (*COMMON, *allowed)}
        properties: dict[str, object] = {}
        for key, value in entry.items():
            if isinstance(value, str) and "%" in value and key.lower() in RESOLVED:
                try:
                    value = resolve_percent(value, self.environ)
                except UnresolvedSettingError as error:
                    remedy = "Set it in the environment or in Values of local.settings.json."
                    self.add_error((*place, key), f"'{key}' cannot be resolved: {error}", remedy)
            properties[documented.get(key.lower(), key)] = value
        return properties

    def check_name(self, place: Place, binding: Binding) -> None:
        if not _BINDING_NAME.fullmatch(binding.name):
            remedy = "Letters, digits and '_' (not two of them together, no digit first), 128 at most, or $return."
            self.add_error(place, f"'{binding.name}' cannot be a binding's name.", remedy)
        elif binding.name == "$return" and binding.is_trigger:
            self.add_error(
                place,
                "A trigger cannot be named $return.",
                "Name it after a parameter of the Python function.",
            )

    def check_direction(self, place: Place, binding: Binding) -> None:
        if binding.is_trigger and binding.direction != "in":
            self.add_error(place, f"A trigger's direction is 'in', not '{binding.direction}'.")
        elif binding.type == "http" and binding.direction != "out":
            self.add_error(
                place,
                "The direction of an http binding is 'out': it is the answer.",
                "The request is an httpTrigger.",
            )
        elif binding.name == "$return" and not binding.is_trigger and binding.direction != "out":
            self.add_error(place, "The direction of a $return binding is 'out'.")

    def check_http(self, place: Place, binding: Binding, spelt: Mapping[str, str]) -> None:
        level = binding.properties.get("authLevel")
        if level is not None and not (isinstance(level, str) and level.lower() in AUTH_LEVELS):
            hint = did_you_mean(level, AUTH_LEVELS[:3]) if isinstance(level, str) else ""
            remedy = hint or "Write 'anonymous', 'function' or 'admin'."
            self.add_error((*place, spelt["authlevel"]), f"{level!r} is not an authLevel.", remedy)
        self.route_place = (*place, spelt.get("route", "type"))
        self.check_route(binding.properties.get("route"))
        methods = binding.properties.get("methods")
        if methods is None:
            return
        where = (*place, spelt["methods"])
        if not isinstance(methods, list):
            self.add_error(where, "'methods' must be a list.", 'Write "methods": ["get", "post"].')
            return
        if not methods:
            self.add_warning(
                where,
                "'methods' is empty: no request reaches the function.",
                "Leave it out for every method.",
            )
        for index, method in enumerate(methods):
            if not isinstance(method, str) or not _TOKEN.fullmatch(method):
                self.add_error((*where, index), f"{method!r} is not an HTTP method.")
            elif method.upper() not in METHODS and (hint := did_you_mean(method, METHODS)):
                self.add_error((*where, index), f"There is no HTTP method '{method}'.", hint)

    def check_route(self, route: object) -> None:
        if route is not None and not isinstance(route, str):
            self.add_error(self.route_place, "'route' must be a text.")
            return
        route = route if route and route.strip() else self.name
        if route.strip("/").lower().startswith(("admin", "runtime")):
            what = f"The route '{route}' is reserved for the host: it starts with 'admin' or 'runtime'."
            self.add_error(self.route_place, what, "Choose another one.")
        template = function_route(self.route_prefix, route, self.name)
        try:
            RouteTemplate.parse(template)
        except RouteTemplateError as error:
            before = route[: max(error.column - 1 - (len(template) - len(route)), 0)]
            line, column = self.file.values.get(self.route_place, (1, 1))
            where = f"{self.file.name}:{line}:{column + len(json.dumps(before, ensure_ascii=False)) - 1}"
            what = f"The route '{route}' is not a route template: {error.message}."
            remedy = "Take the '/' at its start away." if route.startswith("/") else ""
            self.problems.append(Problem(where, what, remedy, function=self.name, code="EH142"))

    def check_triggers(self, bindings: list[Binding]) -> None:
        place: Place = ("bindings",)
        seen: set[str] = set()
        for index, binding in enumerate(bindings):
            if binding.name.lower() in seen:
                self.add_error(
                    (*place, index),
                    f"Two bindings have the name '{binding.name}'.",
                    "Names must differ.",
                )
            seen.add(binding.name.lower())
        triggers = [index for index, binding in enumerate(bindings) if binding.is_trigger]
        if not triggers:
            types = ", ".join(binding.type for binding in bindings)
            self.add_error(
                place,
                f"No binding is a trigger (there are: {types}).",
                "A function needs exactly one.",
            )
        for index in triggers[1:]:
            first = bindings[triggers[0]].type
            self.add_error(
                (*place, index),
                f"A second trigger, besides {first}.",
                "A function has exactly one.",
            )
        http = [binding.type for binding in bindings]
        if self.is_valid and "httpTrigger" in http and "http" not in http:
            remedy = 'Add {"type": "http", "direction": "out", "name": "$return"}.'
            self.add_warning(
                place,
                "There is no http output, so the function cannot answer with anything of its own.",
                remedy,
            )

    def script_file(self, config: Mapping[str, object]) -> Path | None:
        """The Python file: ``scriptFile``, else as the host finds it: the only file beside function.json, else
        ``__init__.py`` (which is also what the real worker assumes). Last, not on the real host: ``main.py``."""
        given = config.get("scriptFile")
        if given is not None and not isinstance(given, str):
            self.add_error(("scriptFile",), "scriptFile must be the name of a Python file.")
            return None
        if given:
            path = Path(os.path.normpath(self.directory / given.replace("\\", "/")))
        else:
            files = [
                file
                for file in self.directory.iterdir()
                if file.is_file() and file.name.lower() != "function.json"
            ]
            choices = [
                *(files if len(files) == 1 else []),
                self.directory / "__init__.py",
                self.directory / "main.py",
            ]
            path = next(
                (file for file in choices if file.is_file()), self.directory / "__init__.py"
            )
        place: Place = ("scriptFile",) if given else ()
        if not _is_file(path):
            found = sorted(file.name for file in self.directory.glob("*.py"))
            has = (
                f"The Python files there are: {', '.join(found)}."
                if found
                else "There is no Python file there."
            )
            if given and (close := closest(given, found)):
                has = f"Did you mean '{close}'?"
            self.add_error(
                place, f"The script file {given or '__init__.py'} does not exist: {path}.", has
            )
        elif path.suffix.lower() != ".py":
            self.add_error(place, f"The script file {path.name} is not a Python file (.py).")
        elif not path.is_relative_to(self.directory.parent):
            self.add_error(
                place,
                f"The script file {path} is not inside the app's folder.",
                "The worker refuses to load it.",
            )
        return path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for a file
        return False
