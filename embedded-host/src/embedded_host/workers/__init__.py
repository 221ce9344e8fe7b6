"""Runs user code in worker processes, or in the host's own process.

``worker`` is the interface. ``pool`` implements it with processes, and ``in_process`` without
processes. The package ``embedded_worker`` is the program of a worker process.
"""
