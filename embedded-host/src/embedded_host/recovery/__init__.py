"""Getting out of a damaged state file what can be had: ``embedded-host recover``.

From the bytes up: ``pages`` (the file with its log), ``records`` (a page's cells), ``trees`` (a table's rows, and where some
may be missing), ``rows`` (what a row must look like), ``salvage`` (all tables of a file), ``decisions`` (what becomes of each
instance), ``recover`` (the new file and the report). Nothing here writes into the damaged file, and SQLite does not read it.
"""
