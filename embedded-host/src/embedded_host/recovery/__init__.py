"""Recovery of a damaged state file: ``embedded-host recover``.

- ``sqlite_program`` runs SQLite's ``.recover``.
- ``rows`` defines the rows of a state file and validates them.
- ``recovered_rows`` reads the valid rows of the rebuilt database.
- ``decisions`` determines which instances can continue.
- ``recover`` writes the new file.
- ``report`` describes the outcome for each instance.
"""
