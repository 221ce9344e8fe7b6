"""Entities in the style of SDK 1.x (Counter) and of durabletask (Tally)."""

import azure.durable_functions as df
from durabletask import entities
from durabletask.entities import DurableEntity

probe_entities = df.Blueprint()


@probe_entities.entity_trigger(context_name="ctx")
def Counter(context):
    value = context.get_state(lambda: 0)
    op = context.operation_name
    if op == "add":
        value += context.get_input()
        context.set_result(value)
    elif op == "get":
        context.set_result(value)
    elif op == "reset":
        value = 0
    elif op == "explode":
        raise ValueError("entity exploded")
    context.set_state(value)


@probe_entities.entity_trigger(context_name="ctx")
class Tally(DurableEntity):
    def add(self, input=None):
        self.set_state(self.get_state(int, 0) + (input or 0))
        return self.get_state(int, 0)

    def get(self, input=None):
        return self.get_state(int, 0)

    def explode(self, input=None):
        self.set_state(1000)
        raise ValueError("tally exploded")

    def start(self, input=None):
        self.schedule_new_orchestration("Hello", input=None)

    def forward(self, input=None):
        self.signal_entity(entities.EntityInstanceId("tally", input), "add", 1)

    def forget(self, input=None):
        self.set_state(None)
