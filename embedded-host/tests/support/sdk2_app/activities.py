"""The activities of both styles."""

import asyncio
import time
from pathlib import Path

import azure.durable_functions as df

activities = df.Blueprint()


class Point:
    """A value with the hooks of the SDK for JSON."""

    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y

    @staticmethod
    def to_json(value: "Point") -> list[int]:
        return [value.x, value.y]

    @classmethod
    def from_json(cls, value: list[int]) -> "Point":
        return cls(*value)


@activities.activity_trigger(input_name="value")
def echo(value):
    return value


@activities.activity_trigger(input_name="value")
async def echo_async(value):
    await asyncio.sleep(0)
    return value


@activities.activity_trigger(input_name="value", activity="echo in brackets")
def renamed(value):
    return f"<{value}>"


@activities.activity_trigger(input_name="value")
def fail(value):
    raise ValueError(f"activity failed: {value}")


@activities.activity_trigger(input_name="value")
def sleep(value):
    time.sleep(value)
    return value


@activities.activity_trigger(input_name="path")
def flaky(path):
    """Fail twice for each path. The file counts the attempts."""
    with Path(path).open("a+") as file:
        file.write("x")
        file.seek(0)
        attempt = len(file.read())
    if attempt < 3:
        raise RuntimeError(f"attempt {attempt}")
    return f"attempt {attempt}"


@activities.activity_trigger(input_name="path")
def require_file(path):
    """Fail until the file exists."""
    with Path(path).open("a"):
        pass
    if not Path(f"{path}.ready").exists():
        raise FileNotFoundError("not ready")
    return "ready"


@activities.activity_trigger(input_name="point")
def mirror(point: Point) -> Point:
    return Point(point.y, point.x)


@activities.activity_trigger(input_name="size")
def letters(size):
    return "x" * size


@activities.activity_trigger(input_name="name")
@activities.durable_client_input(client_name="client")
def start_from_activity(name: str, client) -> str:
    return client.schedule_new_orchestration(name, input="from an activity")
