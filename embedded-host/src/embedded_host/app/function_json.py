"""Read a function folder into a ``Function``, or into the problems of its function.json.

The rules are those of the Azure Functions host (``HostFunctionMetadataProvider`` and
``FunctionDescriptorProvider``; functions-host.md#function-indexing). The keys of the file are
case-sensitive. The properties of bindings are not case-sensitive.
"""

from __future__ import annotations

import json
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
from embedded_host.app.function_retry import FunctionRetry, RetryPolicyError
from embedded_host.app.indexing_errors import (
    INVALID_BINDING_NAME,
    NO_BINDING,
    RETURN_DIRECTION,
    UNTYPED,
    invalid_name,
    is_valid_binding_name,
    is_valid_name,
    unregistered,
)
from embedded_host.app.json_file import JsonFile, JsonFileError, JsonPath, read_json
from embedded_host.app.route_problems import is_reserved
from embedded_host.app.route_template import (
    RouteTemplate,
    RouteTemplateError,
    function_route,
    route_error,
)
from embedded_host.app.script_file import ScriptFileError, find_script
from embedded_host.app.setting import UnresolvedSettingError, resolve_percent
from embedded_host.app.suggestion import closest, did_you_mean
from embedded_host.app.timer_trigger import check_timer

_TOKEN = re.compile(r"[A-Za-z][A-Za-z-]*", re.ASCII)


@dataclass(frozen=True)
class FunctionFolder:
    """The result of reading a function folder."""

    name: str
    function: Function | None
    """The function, or None if a problem disables it."""
    problems: tuple[Problem, ...]
    """Every problem of the file."""
    route_location: str
    """``file:line:column`` of the trigger's route, or of the closest value that encloses it."""
    route_error: str = ""
    """The message of the Azure Functions host about an invalid route, or an empty string."""
    refused_route: str | None = None
    """The route, including the prefix, of an HTTP function that a problem disables, or None."""


def read_function(
    directory: Path,
    environ: Mapping[str, str],
    route_prefix: str = "api",
    *,
    has_bundle: bool = False,
) -> FunctionFolder:
    """Read the function folder ``directory``, an absolute path.

    ``has_bundle`` is True if host.json has an extension bundle. An invalid file raises no error.
    In this case, the result contains the problems of the file.
    """
    name = f"{directory.name}/function.json"
    try:
        file = read_json(directory / "function.json", name)
    except JsonFileError as error:
        problem = error.problem(
            "Correct the syntax. Until then the function is disabled.", function=directory.name
        )
        return FunctionFolder(
            directory.name,
            None,
            (problem,),
            name,
            "",
            function_route(route_prefix, None, directory.name),
        )
    reader = _Reader(directory, file, environ, route_prefix, has_bundle)
    function = reader.function()
    refused = None if function else reader.refused_route()
    return FunctionFolder(
        directory.name,
        function,
        tuple(reader.problems),
        file.location(reader.route_path),
        reader.route_error,
        refused,
    )


class _Reader:
    def __init__(
        self,
        directory: Path,
        file: JsonFile,
        environ: Mapping[str, str],
        route_prefix: str,
        has_bundle: bool,
    ) -> None:
        self.directory = directory
        self.has_bundle = has_bundle
        self.route_prefix = route_prefix
        self.route_path: JsonPath = ()
        self.route_error = ""
        self.name = directory.name
        self.file = file
        self.environ = environ
        self.problems: list[Problem] = list(
            file.warnings("The host accepts this, but other tools do not. Correct the file.")
        )

    @property
    def is_valid(self) -> bool:
        return not any(problem.function for problem in self.problems)

    def add_error(
        self, json_path: JsonPath, fault: str, fix: str = "", *, key: bool = False
    ) -> None:
        self.problems.append(
            Problem(
                self.file.location(json_path, key=key), fault, fix, function=self.name, code="EH140"
            )
        )

    def add_warning(
        self, json_path: JsonPath, fault: str, fix: str = "", *, key: bool = False
    ) -> None:
        self.problems.append(
            Problem(self.file.location(json_path, key=key), fault, fix, code="EH141")
        )

    def function(self) -> Function | None:
        if not is_valid_name(self.name):
            self.add_error(
                (),
                invalid_name(self.name),
                "Rename the folder. A name begins with a letter and has at most 128 letters, "
                "digits, '_' and '-'. The name 'host' is reserved.",
            )
        config = self.file.value
        if not isinstance(config, dict):
            self.add_error((), "The file must be an object.", 'Write {"bindings": […]}.')
            return None
        self.check_keys(config)
        bindings = self.bindings(config)
        script = self.script_file(config)
        retry = self.retry(config)
        entry_point = config.get("entryPoint") or "main"
        if not isinstance(entry_point, str):
            self.add_error(
                ("entryPoint",), "entryPoint must be the name of a function in the script file."
            )
        if not self.is_valid or script is None:
            return None
        return Function(
            self.name, self.directory, script, entry_point, bindings, config, retry=retry
        )

    def refused_route(self) -> str | None:
        """Return the route if the file declares an HTTP function, else None."""
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
                    f"'{key}' is unknown and has no effect.",
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

    def retry(self, config: Mapping[str, object]) -> FunctionRetry | None:
        policy = config.get("retry")
        if policy is None:
            return None
        try:
            return FunctionRetry.parse(policy)
        except RetryPolicyError as error:
            spelt = {key.lower(): key for key in policy} if isinstance(policy, dict) else {}
            key = spelt.get(error.key.lower())
            self.add_error(("retry", key) if key else ("retry",), error.fault, error.fix)
            return None

    def bindings(self, config: Mapping[str, object]) -> tuple[Binding, ...]:
        entries = config.get("bindings")
        if "bindings" not in config:
            other = next((key for key in config if closest(key, ("bindings",))), None)
            hint = f"Rename '{other}' to 'bindings'." if other else 'Add "bindings": […].'
            fault = f"{NO_BINDING} The file has no 'bindings'."
            self.add_error((other,) if other else (), fault, hint, key=True)
            return ()
        if not isinstance(entries, list) or not entries:
            self.add_error(
                ("bindings",),
                NO_BINDING,
                "'bindings' must be a list. Add the trigger.",
            )
            return ()
        bindings = [self.binding(("bindings", index), entry) for index, entry in enumerate(entries)]
        if self.is_valid:
            self.check_triggers([binding for binding in bindings if binding])
        return tuple(binding for binding in bindings if binding)

    def binding(self, json_path: JsonPath, entry: object) -> Binding | None:
        if not isinstance(entry, dict):
            self.add_error(
                json_path,
                "A binding must be an object.",
                'Write {"type": …, "name": …, "direction": …}.',
            )
            return None
        spelt = {key.lower(): key for key in entry}
        kind = self.text(json_path, entry, "type")
        if kind is None:
            return None
        known = {name.lower(): name for name in TYPES}.get(kind.lower())
        close = closest(kind, TYPES) if known is None else None
        if known is None and (close or not self.has_bundle):
            self.add_error(
                (*json_path, spelt["type"]),
                unregistered(kind, has_bundle=self.has_bundle),
                f"Did you mean '{close}'?" if close else "Correct or remove the binding.",
            )
            return None
        allowed = (*COMMON, *PROPERTIES[known]) if known in PROPERTIES else ()
        self.check_properties(json_path, entry, known or kind, allowed)
        name = self.text(json_path, entry, "name")
        binding = Binding(
            type=known or kind,
            name=name or "",
            direction=self.direction(json_path, entry, known or kind),
            properties=self.properties(json_path, entry, allowed),
        )
        if name is not None:
            self.check_name((*json_path, spelt["name"]), binding)
        self.check_direction((*json_path, spelt.get("direction", "direction")), binding)
        if binding.type == "httpTrigger":
            self.check_http(json_path, binding, spelt)
        elif binding.type == "timerTrigger":
            for key, fault in check_timer(binding):
                self.add_error((*json_path, spelt.get(key, "type")), fault)
        return binding if name is not None else None

    def text(self, json_path: JsonPath, entry: Mapping[str, object], name: str) -> str | None:
        """Return a required string property, or add an error and return None."""
        key = next((key for key in entry if key.lower() == name), None)
        if key is None:
            other = next((key for key in entry if closest(key, COMMON) == name), None)
            fault = INVALID_BINDING_NAME.format("") if name == "name" else UNTYPED.format("")
            self.add_error(
                (*json_path, other) if other else json_path,
                f"{fault} The binding has no '{name}'.",
                f"Rename '{other}' to '{name}'." if other else "",
                key=True,
            )
            return None
        value = entry[key]
        if not isinstance(value, str) or not value:
            self.add_error((*json_path, key), f"'{name}' must be a string and not empty.")
            return None
        return value

    def check_properties(
        self, json_path: JsonPath, entry: Mapping[str, object], kind: str, allowed: tuple[str, ...]
    ) -> None:
        present = {key.lower() for key in entry}
        for key in entry:
            if key.lower() in map(str.lower, allowed):
                continue
            close = closest(key, allowed or COMMON)
            # ``text`` reports a missing type or name.
            if close and close.lower() not in present and close not in ("type", "name"):
                effect = {
                    "methods": " The function accepts every method.",
                    "authlevel": " The access level is 'function'.",
                }.get(close.lower(), "")
                fault = f"The property '{key}' of {kind} is unknown and has no effect.{effect}"
                self.add_warning((*json_path, key), fault, f"Did you mean '{close}'?", key=True)

    def direction(self, json_path: JsonPath, entry: Mapping[str, object], kind: str) -> str:
        key = next((key for key in entry if key.lower() == "direction"), None)
        if key is None:
            # ``check_properties`` reports a misspelled key.
            if not any(closest(other, COMMON) == "direction" for other in entry):
                self.add_warning(
                    json_path,
                    f"The {kind} binding has no 'direction'. The default is 'in'.",
                    "Add 'direction'.",
                )
            return "in"
        value = entry[key]
        if isinstance(value, str) and value.lower() in DIRECTIONS:
            return value.lower()
        hint = did_you_mean(value, DIRECTIONS) if isinstance(value, str) else ""
        self.add_error(
            (*json_path, key),
            f"'{value}' is not a valid binding direction.",
            hint or "Write 'in', 'out' or 'inout'.",
        )
        return "in"

    def properties(
        self, json_path: JsonPath, entry: Mapping[str, object], allowed: tuple[str, ...]
    ) -> dict[str, object]:
        documented = {name.lower(): name for name in (*COMMON, *allowed)}
        properties: dict[str, object] = {}
        for key, value in entry.items():
            if isinstance(value, str) and "%" in value and key.lower() in RESOLVED:
                try:
                    value = resolve_percent(value, self.environ)
                except UnresolvedSettingError as error:
                    fix = "Set it in the environment or in Values of local.settings.json."
                    self.add_error((*json_path, key), f"'{key}' cannot be resolved: {error}", fix)
            properties[documented.get(key.lower(), key)] = value
        return properties

    def check_name(self, json_path: JsonPath, binding: Binding) -> None:
        if not is_valid_binding_name(binding.name):
            fix = (
                "Use $return, or at most 128 letters, digits and '_', without a digit at the start "
                "and without '__'."
            )
            self.add_error(json_path, INVALID_BINDING_NAME.format(binding.name), fix)
        elif binding.name == "$return" and binding.is_trigger:
            self.add_error(
                json_path,
                f"{RETURN_DIRECTION} The binding is a trigger.",
                "Use the name of a parameter of the Python function.",
            )

    def check_direction(self, json_path: JsonPath, binding: Binding) -> None:
        if binding.is_trigger and binding.direction != "in":
            self.add_error(
                json_path, f"The direction of a trigger must be 'in', but is '{binding.direction}'."
            )
        elif binding.name == "$return" and not binding.is_trigger and binding.direction != "out":
            self.add_error(json_path, RETURN_DIRECTION)
        elif binding.type == "http" and binding.direction != "out":
            self.add_error(
                json_path,
                "The direction of an http binding must be 'out', because it is the response.",
                "Use the type httpTrigger for the request.",
            )

    def check_http(self, json_path: JsonPath, binding: Binding, spelt: Mapping[str, str]) -> None:
        level = binding.properties.get("authLevel")
        if level is not None and not (isinstance(level, str) and level.lower() in AUTH_LEVELS):
            hint = did_you_mean(level, AUTH_LEVELS[:3]) if isinstance(level, str) else ""
            self.add_error(
                (*json_path, spelt["authlevel"]),
                f"{level!r} is not an access level.",
                hint or "Write 'anonymous', 'function' or 'admin'.",
            )
        self.route_path = (*json_path, spelt.get("route", "type"))
        self.check_route(binding)
        methods = binding.properties.get("methods")
        if methods is None:
            return
        path = (*json_path, spelt["methods"])
        if not isinstance(methods, list):
            self.add_error(path, "'methods' must be a list.", 'Write "methods": ["get", "post"].')
            return
        if not methods:
            self.add_warning(
                path,
                "'methods' is empty, so the function receives no requests.",
                "Remove it to accept every method.",
            )
        for index, method in enumerate(methods):
            if not isinstance(method, str) or not _TOKEN.fullmatch(method):
                self.add_error((*path, index), f"{method!r} is not an HTTP method.")
            elif method.upper() not in METHODS and (hint := did_you_mean(method, METHODS)):
                fault = f"'{method}' is not an HTTP method, and the function receives only it."
                self.add_warning((*path, index), fault, hint)

    def check_route(self, trigger: Binding) -> None:
        route = trigger.properties.get("route")
        if route is not None and not isinstance(route, str):
            self.add_error(self.route_path, "'route' must be a string.")
            return
        if is_reserved(trigger, self.name):
            return  # ``route_problems`` reports the function
        route = route if route and route.strip() else self.name
        template = function_route(self.route_prefix, route, self.name)
        try:
            RouteTemplate.parse(template)
        except RouteTemplateError as error:
            before = route[: max(error.column - 1 - (len(template) - len(route)), 0)]
            line, column = self.file.values.get(self.route_path, (1, 1))
            column += len(json.dumps(before, ensure_ascii=False)) - 1
            location = f"{self.file.name}:{line}:{column}"
            fault = f"The route '{template}' is not a valid route template: {error.message}."
            fix = "Remove the '/' at its start." if route.startswith("/") else ""
            self.route_error = route_error(self.name, template, error.message)
            self.problems.append(
                Problem(
                    location,
                    fault,
                    fix,
                    function=self.name,
                    code="EH142",
                    on_azure=self.route_error,
                )
            )

    def check_triggers(self, bindings: list[Binding]) -> None:
        json_path: JsonPath = ("bindings",)
        seen: set[str] = set()
        for index, binding in enumerate(bindings):
            if binding.name.lower() in seen:
                self.add_error(
                    (*json_path, index),
                    f"Multiple bindings with name '{binding.name}' discovered. Binding names must "
                    "be unique.",
                    "Rename one of the bindings.",
                )
            seen.add(binding.name.lower())
        triggers = [index for index, binding in enumerate(bindings) if binding.is_trigger]
        if not triggers:
            types = ", ".join(binding.type for binding in bindings)
            self.add_error(
                json_path,
                "No trigger binding specified. A function must have a trigger input binding. "
                f"The bindings have the types {types}.",
                "Add one trigger.",
            )
        for index in triggers[1:]:
            first = bindings[triggers[0]].type
            self.add_error(
                (*json_path, index),
                "Multiple trigger bindings defined. A function can only have a single trigger "
                f"binding. The first trigger is {first}.",
                "Remove one of the triggers.",
            )
        http = [binding.type for binding in bindings]
        if self.is_valid and "httpTrigger" in http and "http" not in http:
            fix = 'Add {"type": "http", "direction": "out", "name": "$return"}.'
            self.add_warning(
                json_path,
                "The function has no http output binding, so it cannot return a response.",
                fix,
            )

    def script_file(self, config: Mapping[str, object]) -> Path | None:
        name = config.get("scriptFile")
        try:
            return find_script(self.directory, name)
        except ScriptFileError as error:
            self.add_error(("scriptFile",) if name else (), error.fault, error.fix)
            return None
