"""Generated bad input. Each case ends in a right table, a quarantined row or a named error; the counts are told."""

from __future__ import annotations

from fuzz_tally import CASES, told


def pytest_terminal_summary(terminalreporter):
    if CASES:
        terminalreporter.section("generated cases by kind and outcome")
        for line in told():
            terminalreporter.write_line(line)
