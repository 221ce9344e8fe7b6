"""Runs user code in worker processes, or in the host's own process.

``worker`` is the interface.
``pool`` implements it with processes, ``in_process`` implements it without.
The package ``embedded_worker`` is the program of a worker process.
"""
