"""The keys of ``--auth``: what is kept of them, and what each opens. As on the real host (contract, 6.2)."""
