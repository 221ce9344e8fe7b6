"""The settings of a timerTrigger binding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from embedded_host.app.definitions import Binding, Function
from embedded_host.app.schedule import (
    ZONE_SETTING,
    Schedule,
    ScheduleError,
    parse_schedule,
    time_zone,
)
from embedded_host.app.setting import UnresolvedSettingError, resolve_percent, setting


@dataclass(frozen=True)
class TimerTrigger:
    """A timer function and its schedule."""

    function: Function
    text: str
    """The schedule as a string. Its ``%NAME%`` references are replaced."""
    schedule: Schedule
    run_on_startup: bool = False
    use_monitor: bool = True
    has_zone_setting: bool = False
    """True if the app sets ``WEBSITE_TIME_ZONE``. Otherwise, the schedule uses UTC or ``TZ``."""

    @classmethod
    def of(cls, function: Function, environ: Mapping[str, str]) -> TimerTrigger:
        """Return the timer trigger of a function. Raises ScheduleError."""
        zone, _ = time_zone(environ)
        properties = {name.lower(): value for name, value in function.trigger.properties.items()}
        text = properties.get("schedule")
        if not isinstance(text, str) or not text.strip():
            raise ScheduleError("the timerTrigger has no 'schedule'.")
        try:
            text = resolve_percent(text, environ)
        except UnresolvedSettingError as error:
            raise ScheduleError(
                f"'schedule' cannot be resolved: {error} Set it in the environment or in Values of "
                "local.settings.json."
            ) from error
        return cls(
            function,
            text,
            parse_schedule(text, zone),
            _flag(properties, "runOnStartup", False),
            _flag(properties, "useMonitor", True),
            bool(setting(ZONE_SETTING, environ)),
        )

    @property
    def is_monitored(self) -> bool:
        """True if the host stores the status of the timer, so that it can run a missed due time."""
        return self.use_monitor and not self.schedule.is_frequent


def check_timer(binding: Binding) -> list[tuple[str, str]]:
    """Check a timerTrigger. Return pairs of a property, in lower case, and its fault."""
    wrong: list[tuple[str, str]] = []
    text = binding.properties.get("schedule")
    if not isinstance(text, str) or not text.strip():
        wrong.append(("schedule", "A timerTrigger needs a 'schedule'."))
    elif "%" not in text:
        try:
            parse_schedule(text)
        except ScheduleError as error:
            wrong.append(("schedule", str(error)))
    for name in ("runOnStartup", "useMonitor"):
        try:
            _flag({name.lower(): binding.properties.get(name)}, name, False)
        except ScheduleError as error:
            wrong.append((name.lower(), str(error)))
    return wrong


def _flag(properties: Mapping[str, object], name: str, default: bool) -> bool:
    value = properties.get(name.lower())
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ScheduleError(f"'{name}' must be true or false, not {value!r}.")
