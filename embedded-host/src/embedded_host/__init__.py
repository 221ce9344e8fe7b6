"""A host for Python Durable Functions apps that needs nothing but Python."""

__version__ = "0.1.0"
