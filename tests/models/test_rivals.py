"""Other libraries learn from what the project's models learn from; they are in the extra `dev`."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from conf.errors import NotReady, SettingsError
from models import rivals
from models.batches import TableBatches
from models.columns import FeatureColumns
from models.metrics import calibration_ratio, normalised_entropy
from models.rivals import RIVALS, fit_rivals, rival_names
from models.settings import ModelSettings

Impressions = Callable[[int, int], pa.Table]


@pytest.mark.parametrize("refit", [True, False])
def test_rivals_learn_and_undo_the_sampling(
    refit: bool, columns: FeatureColumns, settings: ModelSettings, impressions: Impressions
) -> None:
    train, validation, rows = (impressions(6000, 1), impressions(2000, 2), impressions(6000, 3))
    settings = replace(settings, refit=refit)
    fitted = fit_rivals(RIVALS, settings, columns, TableBatches(train), TableBatches(validation, 300), 0.5, 3.0)
    for name, rival in fitted:
        p, y = rival.predict(rows), np.array(rows["clicked"])
        ne, ratio = normalised_entropy(p, y), calibration_ratio(p, y)
        assert ne is not None and ne < 0.9, name
        assert ratio == pytest.approx(1.0, abs=0.06), name  # uncorrected it would be far above
        assert rival.rounds > 1


def test_the_same_rows_give_the_same_rivals(
    columns: FeatureColumns, settings: ModelSettings, impressions: Impressions
) -> None:
    train, validation, rows = (
        TableBatches(impressions(1000, 1)),
        TableBatches(impressions(500, 2)),
        impressions(50, 3),
    )
    first, second = (
        [rival.predict(rows) for _, rival in fit_rivals(RIVALS, settings, columns, train, validation)] for _ in range(2)
    )
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_rivals_are_named_with_commas_and_an_unknown_one_is_refused() -> None:
    assert rival_names("") == ()
    assert rival_names("catboost, lightgbm") == ("lightgbm", "catboost")
    with pytest.raises(SettingsError, match="unknown library `vw`"):
        rival_names("vw")


def test_a_library_that_is_not_there_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="pip install catboost"):
        rival_names("catboost")


def test_without_validation_rows_nothing_stops_the_trees(
    columns: FeatureColumns, settings: ModelSettings, impressions: Impressions
) -> None:
    nothing = TableBatches(impressions(1, 2).slice(0, 0))
    with pytest.raises(NotReady, match="validation"):
        list(fit_rivals(RIVALS, settings, columns, TableBatches(impressions(500, 1)), nothing))
