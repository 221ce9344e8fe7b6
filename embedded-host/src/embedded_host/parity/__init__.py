"""Parity findings: parts of an app that work here, but not on the Azure Functions host.

The module that knows a fact adds a finding to ``Findings``, which logs it once per function and
kind. The other modules of this package detect findings in functions, turns and histories.
"""
