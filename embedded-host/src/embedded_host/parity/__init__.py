"""Parity findings: parts of an app that work here, but not on the Azure Functions host.

A module that detects such a part adds a finding to ``Findings``, which logs each finding once per
function and kind. The other modules of this package find them in functions, turns and histories.
"""
