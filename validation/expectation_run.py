"""Runs rules through Great Expectations and puts what failed into words. Takes seconds to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.core import ExpectationValidationResult
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.data_context import EphemeralDataContext
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.metadata_types import FailureSeverity

from validation.feed import Failure, Severity

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

EXAMPLES = 5


@dataclass(frozen=True)
class Rule:
    """One expectation, with the words for its failure. `observed` and `sentence` take the figures of the result."""

    expectation: gxe.Expectation
    limit: float | str
    observed: Callable[[Mapping[str, Any]], float | str]
    sentence: Callable[[Mapping[str, Any]], str]
    remedy: str

    @property
    def name(self) -> str:
        """Which rule it is, as the verdict calls it."""
        return str((self.expectation.meta or {})["rule"])

    @property
    def severity(self) -> Severity:
        """Whether its failure stops the night."""
        return "critical" if self.expectation.severity == FailureSeverity.CRITICAL else "warning"


@dataclass(frozen=True)
class Outcome:
    """What one run found."""

    failures: tuple[Failure, ...]
    checked: int


def judged_rows(rows: DataFrame, rules: Sequence[Rule]) -> Outcome:
    """The rules on a Spark DataFrame, evaluated by its engine.

    Nothing is cached: the rows would stay in the engine's memory after the gate, and not every engine can.
    """
    source = _context().data_sources.add_spark("rows", persist=False)
    return _judged(source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all"), rows, rules)


def judged_figures(figures: Mapping[str, float], rules: Sequence[Rule]) -> Outcome:
    """The rules on named figures, as a table of one row."""
    source = _context().data_sources.add_pandas("figures")
    frame = pd.DataFrame([dict(figures)], dtype=float)
    return _judged(source.add_dataframe_asset("figures").add_batch_definition_whole_dataframe("all"), frame, rules)


def unexpected_count(figures: Mapping[str, Any]) -> int:
    """Rows that broke the rule."""
    return int(figures["unexpected_count"])


def unexpected_share(figures: Mapping[str, Any]) -> float:
    """Rows that broke the rule / all rows."""
    return unexpected_count(figures) / max(int(figures["element_count"]), 1)


def unexpected_examples(figures: Mapping[str, Any]) -> str:
    """A few different values that broke the rule."""
    return ", ".join(dict.fromkeys(str(value) for value in figures["partial_unexpected_list"]))


def percent(share: float) -> str:
    """A share of 1 for a reader, with three digits that count."""
    return f"{100 * share:.3g} %"


def _context() -> EphemeralDataContext:
    """A context in memory, which draws no progress bar and makes no documentation pages."""
    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    bars = ProgressBarsConfig(globally=False)
    return gx.get_context(
        mode="ephemeral", project_config=DataContextConfig(store_backend_defaults=stores, progress_bars=bars)
    )


def _judged(batches: BatchDefinition, frame: DataFrame | pd.DataFrame, rules: Sequence[Rule]) -> Outcome:
    suite = gx.ExpectationSuite("feed", expectations=[rule.expectation for rule in rules])
    result_format = {"result_format": "BASIC", "partial_unexpected_count": EXAMPLES}
    report = batches.get_batch({"dataframe": frame}).validate(suite, result_format=result_format)
    # The report's own `success` is False for a mere warning too, so it is the failures that the gate goes by.
    by_name = {rule.name: rule for rule in rules}
    failures = tuple(_failure(by_name, result) for result in report.results if not result.success)
    return Outcome(failures, len(report.results))


def _failure(rules: Mapping[str, Rule], result: ExpectationValidationResult) -> Failure:
    configuration = result.expectation_config
    if configuration is None:
        raise RuntimeError("Great Expectations gave a result without the expectation that it belongs to.")
    rule = rules[(configuration.meta or {})["rule"]]
    problem = _problem(result.exception_info)
    if problem:
        # Critical even where the rule is not: nothing is known about the rows.
        message = f"Check `{rule.name}` could not be made: {problem}"
        remedy = "compare the feed's columns and their types with the data set's description."
        return Failure(rule.name, "critical", None, rule.limit, message, remedy)
    observed, sentence = rule.observed(result.result), rule.sentence(result.result)
    return Failure(rule.name, rule.severity, observed, rule.limit, sentence, rule.remedy)


def _problem(info: Mapping[str, Any] | None) -> str:
    """The first error's message; Great Expectations gives one record, or one for each metric that failed."""
    records = [info or {}, *(record for record in (info or {}).values() if isinstance(record, Mapping))]
    return next((str(record["exception_message"]) for record in records if record.get("raised_exception")), "")
