"""Run Python Durable Functions apps with nothing but Python."""

__version__ = "0.1.0"
