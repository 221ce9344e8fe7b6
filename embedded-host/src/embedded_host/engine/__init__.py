"""Durable semantics without I/O and without a clock of its own.

Read in this order: ``history`` (what is remembered), ``actions`` (what an orchestrator asks for), ``execution``
(the actions held against the history), ``orchestration`` and ``entity`` (one turn each).
"""
