"""The access keys that ``--auth`` requires: the key file, and the requests that a key allows."""
