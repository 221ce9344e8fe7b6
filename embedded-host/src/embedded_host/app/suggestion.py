"""Suggestions for misspelt names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``word`` probably misspells, without regard to case, or None."""
    # The score admits "dirction", "methdos" and "autLevel", but not "type2" for "path".
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
    """Return ``Did you mean 'x'?``, or the empty string without a similar name."""
    found = closest(word, known)
    return f"Did you mean '{found}'?" if found else ""
