from __future__ import annotations

from embedded_host.http.home_page import home_page


def test_the_list_of_functions_is_escaped() -> None:
    assert "<pre>&lt;b&gt;: http://x</pre>" in home_page("\n<b>: http://x\n", has_dashboard=False)


def test_the_dashboard_is_linked_if_there_is_one() -> None:
    assert '<a href="/dashboard">' in home_page("", has_dashboard=True)
    assert "dashboard" not in home_page("", has_dashboard=False)
