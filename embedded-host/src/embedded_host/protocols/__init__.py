"""Adapters between the engine and the Durable Functions SDK, one package for each version of its protocol."""
