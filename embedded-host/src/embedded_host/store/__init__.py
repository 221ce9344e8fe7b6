"""The storage of the state: the contract of a store, and its implementation with SQLite."""
