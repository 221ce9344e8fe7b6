"""Durable semantics without I/O and without a clock.

Read in this order: ``events`` (the history), ``actions`` (an orchestrator's requests), ``execution`` (matches actions with the
history), ``turn`` and ``entity`` (one turn each).
"""
