"""The access keys of ``--auth``: their file, and the requests that each key allows."""
