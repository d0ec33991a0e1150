"""What a person sees of an explanation on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from monitoring.explanation import REFERENCE, Explanation, Finding


def explanation_lines(found: Explanation) -> Iterator[str]:
    """The explanation in plain words, a line each."""
    yield f"{found.day}: {found.headline}"
    yield f"{found.figures}; {found.labels} labels."
    named = [f"{'the reference' if name == REFERENCE else name} ({days})" for name, days in found.compared.items()]
    if named:
        yield f"Compared with {' and '.join(named)}."
    for number, finding in enumerate(found.findings, start=1):
        yield ""
        yield f"{number}. {finding.word.capitalize()}: {finding.sentence}."
        yield from _carriers(finding)
    if found.doubtful:
        yield ""
    for finding in found.doubtful:
        yield f"May be chance: {finding.sentence}."
    for note in found.notes:
        yield f"Note: {note}"


def _carriers(finding: Finding) -> Iterator[str]:
    for carrier in finding.carriers:
        yield f"   {carrier.sentence}"
    if not finding.carriers:
        yield "   It is spread over all slices: none stands out by more than chance."
