"""Histograms of durations, and their number of labels."""

from __future__ import annotations

import pytest

from embedded_host.task_hub.measurements import (
    BOUNDS,
    MAX_LABELS,
    OTHER,
    Histogram,
    HistogramFamily,
)


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0.0, 0), (0.001, 0), (0.0011, 1), (1800.0, len(BOUNDS) - 1), (1e9, -1)]
)
def test_a_bucket_includes_its_upper_bound(seconds: float, bucket: int) -> None:
    histogram = Histogram()
    histogram.observe(seconds)
    assert histogram.counts[bucket] == 1
    assert (histogram.count, histogram.sum) == (1, seconds)


def test_each_combination_of_labels_has_a_histogram() -> None:
    family = HistogramFamily()
    family.observe(1.0, "F", "failed")
    family.observe(2.0, "F", "succeeded")
    family.observe(3.0, "F", "failed")
    assert {labels: histogram.sum for labels, histogram in family} == {
        ("F", "failed"): 4.0,
        ("F", "succeeded"): 2.0,
    }


def test_many_labels_share_a_histogram() -> None:
    """The name of a function that does not exist comes from a request."""
    family = HistogramFamily()
    for number in range(MAX_LABELS + 3):
        family.observe(1.0, f"F{number}", "failed")
    counts = {labels: histogram.count for labels, histogram in family}
    assert len(counts) == MAX_LABELS + 1
    assert counts[(OTHER, OTHER)] == 3
