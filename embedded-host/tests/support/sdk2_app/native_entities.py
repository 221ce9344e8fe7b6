"""Entities in both styles of durabletask: a class with a method for each operation, a function."""

import azure.durable_functions as df
from durabletask.entities import DurableEntity, EntityContext, EntityInstanceId

native_entities = df.Blueprint()
entity = native_entities.entity_trigger(context_name="ctx")


@entity
class Counter(DurableEntity):
    def add(self, amount=None):
        self.set_state(self.get_state(int, 0) + amount)
        return self.get_state(int, 0)

    def get(self, _=None):
        return self.get_state(int, 0)

    def set(self, value=None):
        self.set_state(value)

    def fail_after_change(self, _=None):
        self.set_state(1000)
        raise ValueError("operation failed")

    def forward(self, key=None):
        self.signal_entity(EntityInstanceId("counter", key), "add", 7)

    def start(self, data=None):
        self.schedule_new_orchestration("tick", input=data)


@native_entities.entity_trigger(context_name="ctx", entity_name="Register")
def register(ctx: EntityContext, data=None):
    if ctx.operation == "put":
        ctx.set_state(data)
    elif ctx.operation == "describe":
        return [ctx.entity_id.entity, ctx.entity_id.key == ctx.entity_id.key.strip()]
    elif ctx.operation == "delete":
        ctx.set_state(None)
        return None
    return ctx.get_state()
