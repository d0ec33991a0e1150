"""How many generated cases ended how: told when the tests end."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, settings

CASES: Counter[tuple[str, str]] = Counter()
"""By kind of input and outcome."""

LONG = settings.default.max_examples > 200
"""Whether this is `make test-fuzz`."""
TABLE, QUARANTINED, NAMED = "right table", "quarantined row", "named error"


def count(kind: str, outcome: str, cases: int = 1) -> None:
    """Count some cases of a kind that ended alike."""
    CASES[kind, outcome] += cases


def told() -> list[str]:
    """The counts as lines of a table."""
    outcomes = sorted({outcome for _, outcome in CASES})
    lines = [f"{'':32}" + "".join(f"{outcome:>18}" for outcome in outcomes)]
    for kind in sorted({kind for kind, _ in CASES}):
        lines.append(f"{kind:32}" + "".join(f"{CASES[kind, outcome]:18,}" for outcome in outcomes))
    totals = [sum(found for (_, of), found in CASES.items() if of == outcome) for outcome in outcomes]
    lines.append(f"{f'all {sum(totals):,} cases':32}" + "".join(f"{total:18,}" for total in totals))
    return lines


def examples(share: float) -> settings:
    """So many times the profile's number of examples: 25 by default, 250 in `make test-fuzz`."""
    most = max(1, round(share * settings.default.max_examples))
    return settings(max_examples=most, suppress_health_check=list(HealthCheck))
