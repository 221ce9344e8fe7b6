"""Suggestions for misspelled names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

SIMILAR = 0.78
"""The similarity of two names of which one may be a typo of the other.

With this value, "dirction", "methdos" and "autLevel" match, but "type2" and "path" do not.
"""


def closest(word: str, known: Iterable[str], least: float = SIMILAR) -> str | None:
    """Return the name in ``known`` that is most similar to ``word``, or None if none is similar.

    ``least`` is a similarity from 0 to 1. Names that are not more similar do not match.
    """
    best, best_score = None, least
    lowered = word.lower()
    for name in known:
        other = name.lower()
        score = SequenceMatcher(None, lowered, other).ratio()
        if sorted(lowered) == sorted(other):
            score = max(score, 0.95)  # letters in another order
        if score > best_score:
            best, best_score = name, score
    return best


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x'?``, or an empty string if no name is similar."""
    found = closest(word, known)
    return f"Did you mean '{found}'?" if found else ""
