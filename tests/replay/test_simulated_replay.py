"""The whole chain on nine simulated days: from landing files to a champion, its predictions, decisions and pages."""

from __future__ import annotations

import json
from datetime import timedelta

import pyarrow.compute as pc
import pytest
from new_campaign import AD, ADVERTISER, CAMPAIGN
from simulated_nights import NIGHTS

from features.evidence import evidence_slices
from jobs.champion import PRIOR, champion_as_of
from jobs.feature_list import model_columns
from jobs.model_cards import record_of
from jobs.progress import replay_progress
from jobs.score import candidates_with_features
from jobs.status import balance
from jobs.tracking import client
from jobs.train import model_settings, training_batches
from jobs.training_data import mature_days, split_days
from models.bundle import train_bundles

pytestmark = pytest.mark.slow


def test_every_row_that_landed_is_accounted_for(replayed):
    sources = {row["source"]: row for row in balance(replayed)}
    assert all(row["balanced"] for row in sources.values())
    assert sources["impressions"]["quarantined"] > 0
    assert sources["impressions"]["duplicates"] > 0
    assert len(replayed.store.rows("quarantine")) == sum(row["quarantined"] for row in sources.values())


def test_a_champion_was_trained_as_soon_as_enough_labels_were_final(replayed):
    assert champion_as_of(replayed, NIGHTS[3]) is None
    champion = champion_as_of(replayed, NIGHTS[-1])
    assert champion is not None
    assert champion.model == "logistic_regression"


def test_every_day_but_the_first_was_scored_first_by_the_prior_and_then_by_the_champion(replayed):
    served = {}
    for row in replayed.store.rows("predictions"):
        assert 0.0 < row["p_click"] < 1.0
        served.setdefault(row["dt"], set()).add(row["model"])
    assert sorted(served) == [night + timedelta(days=1) for night in NIGHTS]
    assert served[NIGHTS[1]] == {PRIOR}
    assert served[NIGHTS[-1] + timedelta(days=1)] == {"logistic_regression"}


def test_quality_is_known_provisionally_at_once_and_finally_when_labels_have_matured(replayed):
    states = {(row["dt"], row["state"]) for row in replayed.store.rows("quality") if row["slice"] == "all"}
    assert states == {(day, "provisional") for day in NIGHTS[1:]} | {(day, "final") for day in NIGHTS[1:-1]}


def test_the_champion_beats_the_prior(replayed):
    rows = [row for row in replayed.store.rows("quality") if row["slice"] == "all" and row["state"] == "final"]
    by_champion = [row["ne"] for row in rows if row["model"] != PRIOR]
    assert by_champion
    assert max(by_champion) < min(row["ne"] for row in rows if row["model"] == PRIOR)


@pytest.fixture(scope="module")
def candidates(replayed):
    """The pairs of the day after the last, with their features."""
    return candidates_with_features(replayed, NIGHTS[-1] + timedelta(days=1)).toArrow()


def test_a_wholly_new_campaign_falls_back_along_the_chain_of_parents(replayed, candidates):
    new = candidates.filter(pc.equal(candidates["ad_id"], AD))
    assert new.num_rows == 400
    assert set(new["campaign_id"].to_pylist()) == {CAMPAIGN} and set(new["advertiser_id"].to_pylist()) == {ADVERTISER}
    everybody = new["all__ctr_28d"]
    assert pc.all(pc.greater(everybody, 0.0)).as_py()
    for history in ("ad", "campaign", "advertiser"):
        assert set(new[f"{history}__impressions_28d"].to_pylist()) == {0.0}
        for days in replayed.dataset.windows_days:
            assert new[f"{history}__ctr_{days}d"].to_pylist() == pytest.approx(everybody.to_pylist())
    # What is known of people and of the category stays.
    assert new["user_campaign__ctr_28d"].to_pylist() == pytest.approx(new["user_category__ctr_28d"].to_pylist())
    assert pc.max(new["user_category__impressions_28d"]).as_py() > 0.0
    assert pc.min(new["placement_format__impressions_28d"]).as_py() > 0.0


def test_a_wholly_new_campaign_is_promised_what_its_like_is(replayed, candidates):
    """Its like: the other ads of the same category and format, on the same day."""
    split = split_days(replayed, mature_days(replayed, NIGHTS[-1]), window_days=28)
    columns, batches = model_columns(replayed.dataset), training_batches(replayed, split)
    is_new = pc.equal(candidates["ad_id"], AD)
    new, known = candidates.filter(is_new), candidates.filter(pc.invert(is_new))
    alike = [pc.equal(known[name], new[name][0]) for name in ("category", "format")]
    group = known.filter(pc.and_(*alike))
    assert group.num_rows > 100
    kinds = ("logistic_regression", "xgboost", "mix")
    for kind, bundle in train_bundles(kinds, model_settings(replayed), columns, *batches):
        p, of_group = bundle.predict(new), bundle.predict(group)
        assert p.mean() == pytest.approx(of_group.mean(), rel=0.3), kind
        assert of_group.min() / 2 < p.min() and p.max() < of_group.max(), kind


def test_every_night_has_a_decision_with_reasons(replayed):
    decisions = {row["dt"]: row for row in replayed.store.rows("decisions")}
    assert sorted(decisions) == NIGHTS
    assert all(json.loads(row["reasons"]) for row in decisions.values() if row["cause"] != "none")
    assert [row["cause"] for row in decisions.values() if row["verdict"] == "retrain"][:1] == ["no_champion"]


def test_the_report_has_a_page_for_every_night(replayed):
    index = (replayed.reports / "index.html").read_text(encoding="utf-8")
    assert all(str(night) in index for night in NIGHTS)


def test_the_champion_carries_what_it_was_made_of(replayed):
    champion = champion_as_of(replayed, NIGHTS[-1])
    record = record_of(replayed, champion.version)
    assert record.feature_names == model_columns(replayed.dataset).all
    assert record.snapshot is not None and record.trigger.startswith("no_champion")
    assert all(record.rows[part] >= 2900 * len(days) for part, days in record.split.items())
    assert record.holdout.slices[0].ne == champion.ne
    evidence = [slice_.name for slice_ in evidence_slices(replayed.dataset)]
    sliced = {one.slice_name.split("=")[0] for one in record.holdout.slices}
    assert sliced == {"all", *replayed.dataset.slices, *evidence} and evidence
    assert record.verdict["promote"] and record.weights and not record.gains
    assert not [name for name in record.weights if "user_id=" in name], "people are no business of a card"


def test_mlflow_says_of_the_champion_what_the_tables_say(replayed):
    champion = champion_as_of(replayed, NIGHTS[-1])
    store = client(replayed)
    version = store.get_model_version_by_alias(replayed.model_name, "champion")
    assert (str(version.version), version.tags["gate"], version.tags["promoted"]) == (
        champion.version,
        "passed",
        "True",
    )
    assert version.tags["trigger"].startswith("no_champion")
    training = next(row for row in replayed.store.rows("trainings") if row["version"] == champion.version)
    assert version.tags["training_examples_snapshot"] == str(training["snapshot"])
    assert json.loads(training["split"])["train"] == version.tags["train_days"].split()
    assert {"record.json", "model_card.html"} <= {file.path for file in store.list_artifacts(version.run_id)}


def test_the_champions_card_shows_the_ne_of_the_days_that_it_scored(replayed):
    champion = champion_as_of(replayed, NIGHTS[-1])
    page = (replayed.reports / "models" / f"{champion.version}.html").read_text(encoding="utf-8")
    scored = [row for row in replayed.store.rows("quality") if row["version"] == champion.version]
    overall = [row for row in scored if row["slice"] == "all"]
    assert overall
    for row in overall:
        assert f"{row['dt']}: {row['state']} {row['ne']:.4g}" in page
    night = (replayed.reports / str(NIGHTS[-1]) / "index.html").read_text(encoding="utf-8")
    assert f'href="../models/{champion.version}.html"' in night


def test_a_second_replay_finds_nothing_to_do(replayed):
    summary = replay_progress(replayed, NIGHTS[0], NIGHTS[-1], again=False, quiet=True)
    assert (summary["run"], len(summary["skipped"])) == ([], len(NIGHTS))
