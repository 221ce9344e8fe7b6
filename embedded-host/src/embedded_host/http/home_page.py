"""The host's home page."""

from __future__ import annotations

import html

from embedded_host.http.router import DASHBOARD


def home_page(functions: str, *, has_dashboard: bool) -> str:
    """Return the HTML of the page. ``functions`` is the list of functions as plain text."""
    link = f'<p><a href="{DASHBOARD}">Dashboard</a></p>' if has_dashboard else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Embedded host</title>'
        f"<body><h1>Your Azure Function App is up and running.</h1>{link}"
        f"<pre>{html.escape(functions.strip())}</pre></body></html>"
    )
