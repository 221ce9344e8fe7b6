"""Did you mean …? The closest known name for one that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher


def closest(word: str, known: Iterable[str]) -> str | None:
    """The name of ``known`` that ``word`` is a likely misspelling of, without regard to case; None if there is none."""
    best, best_score = (
        None,
        0.78,
    )  # "dirction", "methdos", "autLevel", "scriptfile" yes; "type2" for "path" no
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
    """``Did you mean 'x'?`` or the empty text."""
    found = closest(word, known)
    return f"Did you mean '{found}'?" if found else ""
