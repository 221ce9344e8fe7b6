"""The benchmark of the embedded host: ``python benchmarks/run.py``."""
