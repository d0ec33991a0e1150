"""Arithmetic on quality figures that may not be known yet: what was seen against what was promised."""

from __future__ import annotations

import math


def known(value: float | None) -> float | None:
    """The value, or None where it is not a number: a stored table may say either for "not measured"."""
    return None if value is None or math.isnan(value) else value


def ratio(seen: float | None, promised: float | None) -> float | None:
    """Seen / promised; None where either is unknown or nothing was promised."""
    seen, promised = known(seen), known(promised)
    return seen / promised if seen is not None and promised else None


def relative_change(seen: float | None, promised: float | None) -> float | None:
    """(Seen - promised) / promised; None as in `ratio`. Above 0 means worse for NE, which is better when smaller."""
    quotient = ratio(seen, promised)
    return None if quotient is None else quotient - 1.0


def best_known(final: float | None, provisional: float | None) -> float | None:
    """The figure from final labels where there is one, else the provisional one."""
    return known(provisional) if known(final) is None else final
