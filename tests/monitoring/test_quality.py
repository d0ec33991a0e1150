"""Figures that may not be known yet."""

from __future__ import annotations

import pytest

from monitoring.quality import best_known, ratio, relative_change

NAN = float("nan")


@pytest.mark.parametrize(
    ("seen", "promised", "expected"),
    [(0.9, 0.6, 1.5), (None, 0.6, None), (0.9, None, None), (0.9, 0.0, None), (NAN, 0.6, None)],
)
def test_a_ratio_is_known_only_where_both_sides_are(
    seen: float | None, promised: float | None, expected: float | None
) -> None:
    assert ratio(seen, promised) == (None if expected is None else pytest.approx(expected))


def test_a_change_is_relative_to_the_promise() -> None:
    assert relative_change(0.9, 0.6) == pytest.approx(0.5)


@pytest.mark.parametrize(("final", "provisional", "best"), [(0.8, 0.9, 0.8), (None, 0.9, 0.9), (NAN, 0.9, 0.9)])
def test_final_labels_are_believed_before_provisional_ones(
    final: float | None, provisional: float | None, best: float
) -> None:
    assert best_known(final, provisional) == best
