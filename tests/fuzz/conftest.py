"""Generated bad input. Each case ends in a right table, a quarantined row or a named error; the counts are told."""

from __future__ import annotations


def pytest_terminal_summary(terminalreporter):
    # Not above: the tally asks for Hypothesis's profile, which is not known yet when this file is read.
    from fuzz_tally import CASES, told

    if CASES:
        terminalreporter.section("generated cases by kind and outcome")
        for line in told():
            terminalreporter.write_line(line)
