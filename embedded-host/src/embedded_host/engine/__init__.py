"""The semantics of Durable Functions, without I/O. The caller passes the clock.

Read the modules in this order: ``events`` (the history), ``actions`` (the requests of an
orchestrator), ``execution`` (matches the actions with the history), ``turn`` and ``entity`` (one
turn each).
"""
