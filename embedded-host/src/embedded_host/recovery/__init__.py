"""Recovery of a damaged state file: ``embedded-host recover``.

``sqlite_program`` runs SQLite's ``.recover``, ``rows`` validates rows, ``recovered_rows`` collects them from the rebuilt database,
``decisions`` decides which instances can continue, ``recover`` writes the new file, and ``report`` describes the outcome.
"""
