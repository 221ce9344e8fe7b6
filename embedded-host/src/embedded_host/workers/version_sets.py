"""Comparisons of version specifiers such as ``>=1.21,<2``."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version


def have_common_version(first: SpecifierSet, second: SpecifierSet) -> bool:
    """Return True if a version can match both specifiers.

    A set of versions that is not empty contains its lower bound, or a version directly above it.
    Each lower bound is a version of a specifier, or the lowest of all versions.
    """
    bounds = [_version(one.version) for one in (*first, *second)]
    candidates = [Version("0")]
    for bound in filter(None, bounds):
        candidates += [bound, _above(bound)]
    return any(
        first.contains(version, prereleases=True) and second.contains(version, prereleases=True)
        for version in candidates
    )


def exact_version(specifier: SpecifierSet) -> str | None:
    """Return the version of ``==1.2.3``, or None for other specifiers."""
    versions = [one.version for one in specifier if one.operator in ("==", "===")]
    return versions[0] if versions and not versions[0].endswith(".*") else None


def specifier_text(specifier: SpecifierSet) -> str:
    """Return a specifier with its lower bound first, such as ``>=1.21,<2``."""
    return ",".join(sorted(map(str, specifier), reverse=True))


def _above(bound: Version) -> Version:
    """Return a version above ``bound`` and below every other bound that is likely."""
    release = ".".join(map(str, (*bound.release, *(0 for _ in range(4 - len(bound.release))), 1)))
    return Version(f"{bound.epoch}!{release}")


def _version(text: str) -> Version | None:
    try:
        return Version(text.removesuffix(".*"))
    except InvalidVersion:  # === accepts any string
        return None
