import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from conf.errors import NotReady, SettingsError, StoreError
from models.batches import TableBatches, all_labels
from models.bundle import ModelBundle, load_bundle, train_bundle, train_bundles
from models.columns import FeatureColumns
from models.encoders import HashingEncoder
from models.logistic import fit_logistic
from models.metrics import calibration_ratio, normalised_entropy
from models.mix import MixModel
from models.settings import MODEL_KINDS, ModelKind, ModelSettings

Impressions = Callable[[int, int], pa.Table]
Trained = Callable[..., ModelBundle]

LEARNED: tuple[ModelKind, ...] = ("logistic_regression", "xgboost", "mix")


@pytest.fixture
def trained(columns: FeatureColumns, settings: ModelSettings, impressions: Impressions) -> Trained:
    def of_kind(kind: ModelKind, sampling_rate: float = 1.0) -> ModelBundle:
        train, validation = TableBatches(impressions(4000, 1), batch_rows=1500), TableBatches(impressions(2000, 2))
        return train_bundle(kind, settings, columns, train, validation, sampling_rate)

    return of_kind


@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_the_same_data_gives_the_same_bundle(
    kind: ModelKind, trained: Trained, impressions: Impressions, tmp_path: Path
) -> None:
    first, second = trained(kind), trained(kind)
    rows = impressions(500, 3)
    assert first.predict(rows).tobytes() == second.predict(rows).tobytes()
    assert first.save(tmp_path / "first") == second.save(tmp_path / "second")


@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_a_stored_bundle_predicts_what_it_predicted(
    kind: ModelKind, trained: Trained, impressions: Impressions, tmp_path: Path
) -> None:
    bundle = trained(kind, sampling_rate=0.5)
    digest = bundle.save(tmp_path / "bundle")
    loaded = load_bundle(tmp_path / "bundle", expected_digest=digest)
    rows = impressions(500, 3)
    assert np.array_equal(loaded.predict(rows), bundle.predict(rows))
    assert (loaded.kind, loaded.columns, loaded.settings) == (bundle.kind, bundle.columns, bundle.settings)
    assert loaded.summary == bundle.summary


@pytest.mark.parametrize("kind", LEARNED)
@pytest.mark.parametrize("sampling_rate", [1.0, 0.3])
def test_predictions_beat_the_base_rate_and_sum_up(
    kind: ModelKind, sampling_rate: float, trained: Trained, impressions: Impressions
) -> None:
    rows = impressions(6000, 3)
    p, labels = trained(kind, sampling_rate).predict(rows), all_labels(TableBatches(rows))
    ne = normalised_entropy(p, labels)
    assert ne is not None
    assert ne < 0.95
    assert calibration_ratio(p, labels) == pytest.approx(1.0, abs=0.08)


def test_a_twentieth_of_the_other_rows_promises_as_many_clicks_as_all_of_them(
    settings: ModelSettings, columns: FeatureColumns, impressions: Impressions
) -> None:
    train, validation = TableBatches(impressions(60_000, 1)), TableBatches(impressions(20_000, 2))
    rows = impressions(40_000, 3)
    promised = {
        rate: {kind: bundle.predict(rows).sum() for kind, bundle in bundles}
        for rate in (1.0, 0.05)
        for bundles in [train_bundles(LEARNED, settings, columns, train, validation, rate)]
    }
    clicks = all_labels(TableBatches(rows)).sum()
    for kind in LEARNED:
        assert promised[1.0][kind] / clicks == pytest.approx(1.0, abs=0.02), kind
        assert promised[0.05][kind] / promised[1.0][kind] == pytest.approx(1.0, abs=0.02), kind


@pytest.mark.parametrize("kind", LEARNED)
def test_values_never_seen_and_columns_without_values_are_scored(kind: ModelKind, trained: Trained) -> None:
    rows = pa.table(
        {
            "site": ["never seen", None],
            "device": pa.nulls(2),
            "hour": pa.nulls(2),
            "never_known": [1e12, float("inf")],
            "ad_impressions": pa.nulls(2, pa.int64()),
            "ad_ctr": [None, 1.0],
        }
    )
    p = trained(kind).predict(rows)
    assert ((p > 0.0) & (p < 1.0)).all()


def test_a_batch_and_a_table_and_any_cut_predict_the_same(trained: Trained, impressions: Impressions) -> None:
    bundle, rows = trained("mix"), impressions(300, 3)
    cut = pa.concat_tables([rows.slice(0, 7), rows.slice(7)])
    assert np.array_equal(bundle.predict(rows.to_batches()[0]), bundle.predict(rows))
    assert np.array_equal(bundle.predict(cut), bundle.predict(rows))
    assert len(bundle.predict(rows.slice(0, 0))) == 0


def test_a_table_without_a_needed_column_is_refused(trained: Trained, impressions: Impressions) -> None:
    with pytest.raises(StoreError, match="'ad_ctr'"):
        trained("xgboost").predict(impressions(5, 3).drop_columns(["ad_ctr"]))


@pytest.mark.parametrize("name", ["booster.ubj", "encoder.json", "calibrator.json"])
def test_a_changed_file_is_refused_by_name(name: str, trained: Trained, tmp_path: Path) -> None:
    trained("xgboost").save(tmp_path / "bundle")
    path = tmp_path / "bundle" / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(StoreError, match=f"{name} was changed"):
        load_bundle(tmp_path / "bundle")


def test_a_missing_file_is_refused_by_name(trained: Trained, tmp_path: Path) -> None:
    trained("logistic_regression").save(tmp_path / "bundle")
    (tmp_path / "bundle" / "logistic.npz").unlink()
    with pytest.raises(StoreError, match=r"logistic\.npz is listed .* but missing"):
        load_bundle(tmp_path / "bundle")


def test_a_changed_manifest_is_refused_where_its_digest_is_known(trained: Trained, tmp_path: Path) -> None:
    digest = trained("constant").save(tmp_path / "bundle")
    manifest = tmp_path / "bundle" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "sampling_rate": 0.5}))
    with pytest.raises(StoreError, match=r"manifest\.json"):
        load_bundle(tmp_path / "bundle", expected_digest=digest)


def test_a_manifest_cannot_name_a_file_outside_the_bundle(trained: Trained, tmp_path: Path) -> None:
    trained("constant").save(tmp_path / "bundle")
    (tmp_path / "elsewhere").write_text("x")
    manifest = tmp_path / "bundle" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "files": {"../elsewhere": "0"}}))
    with pytest.raises(StoreError, match="elsewhere"):
        load_bundle(tmp_path / "bundle")


def test_no_bundle_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"manifest\.json"):
        load_bundle(tmp_path)


def test_a_bundle_does_not_overwrite_another(trained: Trained, tmp_path: Path) -> None:
    trained("constant").save(tmp_path / "bundle")
    with pytest.raises(StoreError, match="not empty"):
        trained("constant").save(tmp_path / "bundle")


def test_training_without_validation_rows_calibrates_nothing(
    columns: FeatureColumns, settings: ModelSettings, impressions: Impressions
) -> None:
    nothing = TableBatches(impressions(1, 2).slice(0, 0))
    bundle = train_bundle("mix", settings, columns, TableBatches(impressions(2000, 1)), nothing)
    assert bundle.calibrator.to_json() == {"method": "identity"}
    assert bundle.summary["tree_weight"] == 0.5


def test_training_without_rows_is_not_ready(
    columns: FeatureColumns, settings: ModelSettings, impressions: Impressions
) -> None:
    nothing = TableBatches(impressions(1, 2).slice(0, 0))
    with pytest.raises(NotReady, match="no rows"):
        train_bundle("logistic_regression", settings, columns, nothing, nothing)


def test_gains_tell_what_a_mix_looks_at_and_nothing_for_a_constant(trained: Trained) -> None:
    assert "ad_ctr" in trained("mix").feature_gains()
    assert trained("constant").feature_gains() == {}


def test_settings_survive_json_and_refuse_what_they_do_not_know(settings: ModelSettings) -> None:
    assert ModelSettings.from_json(settings.to_json()) == settings
    assert ModelSettings.from_json({"boosted": {"eta": 0.3}}).boosted.eta == 0.3
    with pytest.raises(SettingsError, match="learning_rate"):
        ModelSettings.from_json({"boosted": {"learning_rate": 0.3}})


def test_columns_of_the_bundle_are_those_it_was_trained_on(trained: Trained, columns: FeatureColumns) -> None:
    assert trained("constant").columns == columns


def test_a_refit_learns_from_the_validation_rows_too_with_what_they_chose(
    columns: FeatureColumns, settings: ModelSettings, impressions: Impressions
) -> None:
    train, validation = impressions(3000, 1), impressions(3000, 2)
    both = TableBatches(pa.concat_tables([train, validation]))
    once, again = (
        train_bundle("mix", replace(settings, refit=refit), columns, TableBatches(train), TableBatches(validation))
        for refit in (False, True)
    )
    assert again.summary == once.summary
    assert again.calibrator == once.calibrator
    assert isinstance(once.estimator, MixModel) and isinstance(again.estimator, MixModel)
    assert again.estimator.trees.rounds == round(1.1 * once.estimator.trees.rounds)
    assert again.estimator.tree_weight == once.estimator.tree_weight
    assert again.encoder.columns == columns
    linear = HashingEncoder.fit(both, columns, settings.hashing)
    assert np.array_equal(again.estimator.linear.coefficients, fit_logistic(both, linear).coefficients)


def test_kinds_that_are_trained_together_are_those_trained_alone(
    columns: FeatureColumns, settings: ModelSettings, impressions: Impressions, trained: Trained
) -> None:
    train, validation = TableBatches(impressions(4000, 1), batch_rows=1500), TableBatches(impressions(2000, 2))
    rows = impressions(300, 3)
    together = dict(train_bundles(MODEL_KINDS, settings, columns, train, validation))
    assert list(together) == list(MODEL_KINDS)
    for kind, bundle in together.items():
        assert np.array_equal(bundle.predict(rows), trained(kind).predict(rows))


def test_a_model_of_an_earlier_version_loads_with_a_setting_that_has_gone() -> None:
    saved = ModelSettings().to_json()
    saved["boosted"]["cached_rows"] = 2_000_000
    assert ModelSettings.from_saved(saved) == ModelSettings()
    with pytest.raises(SettingsError, match="cached_rows"):
        ModelSettings.from_json(saved)
