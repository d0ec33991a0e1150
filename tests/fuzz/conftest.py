"""Generated bad input. Each case ends in a right table, a quarantined row or a named error; the counts are told."""

from __future__ import annotations

import pytest
from fuzz_tally import CASES, LONG, told


def pytest_terminal_summary(terminalreporter):
    if CASES:
        terminalreporter.section("generated cases by kind and outcome")
        for line in told():
            terminalreporter.write_line(line)


@pytest.fixture
def fuzz_rows() -> int:
    """Rows of a day of distinct values: a million in `make test-fuzz`."""
    return 1_000_000 if LONG else 3_000
