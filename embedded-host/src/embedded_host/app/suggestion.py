"""Suggestions for misspelled names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the name in ``known`` that is most similar to ``word``, or None if none is similar."""
    # At this score, "dirction", "methdos" and "autLevel" match, but "type2" and "path" do not.
    best, best_score = None, 0.78
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
