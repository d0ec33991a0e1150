from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from conf.dataset import Dataset, known_datasets, load_dataset
from conf.errors import SettingsError
from conf.notation import parse_duration

CLICK_LOG = Path(__file__).parents[1] / "data" / "click_log.yaml"


@pytest.fixture
def description():
    return yaml.safe_load(CLICK_LOG.read_text(encoding="utf-8"))


@pytest.fixture
def refusal(tmp_path, description):
    """Changes the description and yields what the loader says against it."""

    def told(change):
        change(description)
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(description), encoding="utf-8")
        with pytest.raises(SettingsError) as caught:
            load_dataset(str(path))
        message = str(caught.value)
        assert "mine.yaml" in message
        return message

    return told


@pytest.mark.parametrize("name", known_datasets())
def test_every_description_of_the_project_loads_under_its_own_name(name):
    assert load_dataset(name).name == name


def test_an_unknown_data_set_names_the_nearest_and_the_known_ones():
    with pytest.raises(
        SettingsError, match=r"Unknown data set `simulate`\. Did you mean `simulated`\? Known: .*kuairand"
    ):
        load_dataset("simulate")


def test_a_misspelt_key_names_the_file_the_setting_and_the_nearest_key(refusal):
    message = refusal(lambda found: found["impressions"].update(formt="csv"))
    assert "unknown setting `impressions.formt`" in message
    assert "Did you mean `format`?" in message


def test_a_missing_setting_is_named(refusal):
    assert "`impressions.time`" in refusal(lambda found: found["impressions"].pop("time"))


def test_an_unknown_time_zone_names_the_nearest(refusal):
    message = refusal(lambda found: found.update(time_zone="Europe/Berlim"))
    assert "did you mean `Europe/Berlin`?" in message


@pytest.mark.parametrize("window", ["soon", "0h", "1.5h", "-2d", "24"])
def test_a_window_that_is_no_duration_says_how_one_is_written(refusal, window):
    message = refusal(lambda found: found["label"].update(window=window))
    assert "label" in message
    assert "`30m`, `24h` or `7d`" in message


@pytest.mark.parametrize("path", ["/etc/passwd", "../elsewhere.csv", "~/x.csv"])
def test_files_outside_the_data_folder_are_refused(refusal, path):
    assert "inside the data folder" in refusal(lambda found: found["impressions"].update(files=path))


def test_a_history_of_an_unknown_column_names_the_known_ones(refusal):
    message = refusal(lambda found: found["histories"].update(shop={"keys": ["shop_id"]}))
    assert "histories.shop: no categorical column `shop_id`" in message
    assert "campaign_id" in message


def test_context_that_candidates_lack_is_no_key(refusal):
    """The bid is known of impressions alone, so no feature can be made of it."""

    def by_device(found):
        found["impressions"]["context"]["categorical"].append("device")
        found["histories"]["device"] = {"keys": ["device"]}

    assert "no categorical column `device`" in refusal(by_device)


def test_an_unknown_parent_is_refused(refusal):
    assert "parent `shop` is no history" in refusal(lambda found: found["histories"]["ad"].update(parent="shop"))


def test_parents_in_a_circle_are_refused(refusal):
    assert "form a circle" in refusal(lambda found: found["histories"]["campaign"].update(parent="ad"))


def test_an_outcome_among_the_features_is_refused(refusal):
    assert "both an outcome and a feature" in refusal(lambda found: found["impressions"].update(outcomes=["bid"]))


def test_the_label_among_the_features_is_refused_under_any_name(refusal, description):
    def as_a_feature(found):
        found["label"] = {"kind": "inline", "column": "Klick"}
        found["impressions"]["rename"] = {"pressed": "Klick"}
        found["impressions"]["context"]["categorical"].append("pressed")

    assert "`pressed` is both the label and a feature" in refusal(as_a_feature)


def test_a_history_named_like_the_root_is_refused(refusal):
    message = refusal(lambda found: found["histories"].update(all={"keys": ["user_id"]}))
    assert "histories.all: `all` is the history of every impression" in message


@pytest.mark.parametrize("role", ["user", "ad"])
def test_candidates_without_a_user_or_ad_that_impressions_have_are_refused(refusal, role):
    message = refusal(lambda found: found["candidates"].pop(role))
    assert f"candidates: no `{role}`, which impressions have" in message


def test_candidates_with_an_ad_that_impressions_lack_are_refused(refusal):
    def without_ads(found):
        found["impressions"].pop("ad")
        found["attributes"], found["histories"] = {}, {"user": {"keys": ["user_id"]}}

    assert "candidates: `ad` is ad, but impressions name no ad" in refusal(without_ads)


def test_context_of_candidates_alone_is_refused(refusal):
    message = refusal(lambda found: found["candidates"]["context"]["categorical"].append("device"))
    assert "candidates.context: `device` is not in impressions.context" in message


def test_context_that_is_a_number_here_and_a_category_there_is_refused(refusal):
    message = refusal(lambda found: found["candidates"]["context"].update(categorical=["slot", "bid"]))
    assert "candidates.context: `bid` is categorical here, and of the other kind in impressions.context" in message


def test_everything_that_does_not_fit_is_told_at_once_and_nothing_else(refusal):
    def two_mistakes(found):
        found["histories"]["all"] = {"keys": ["user_id"]}
        found["candidates"].pop("user")

    message = refusal(two_mistakes)
    assert "histories.all" in message and "candidates: no `user`" in message
    assert len(message.splitlines()) == 2 and "found {" not in message


def test_clicks_that_name_an_impression_by_fewer_columns_are_refused(refusal):
    message = refusal(lambda found: found["impressions"].update(id=["impression_id", "user"]))
    assert "label.id: 1 columns name what 2 name in impressions.id" in message


def test_a_column_derived_from_what_scoring_does_not_know_is_refused(refusal):
    message = refusal(lambda found: found.update(derived={"band": {"column": "bid", "edges": [1]}}))
    assert "derived.band: no numeric column `bid` is known at scoring" in message


def test_an_attribute_table_stands_after_the_one_that_gives_its_key(refusal):
    def owners_first(found):
        owners = {"files": "owners.csv", "format": "csv", "key": "campaign_id", "columns": {"categorical": ["owner"]}}
        found["attributes"] = {"a_owners": owners} | found["attributes"]

    assert "attributes.a_owners: its key `campaign_id` comes from attributes.ads; put that first" in refusal(
        owners_first
    )


def test_a_column_named_like_a_feature_of_a_history_is_refused(refusal):
    message = refusal(lambda found: found["impressions"]["context"]["numeric"].append("user__clicks_1d"))
    assert "`user__clicks_1d` begins like a feature of a history" in message


def test_a_measure_named_like_an_attribute_is_refused(refusal):
    watched = {"outcomes": ["watched"], "measures": {"campaign_id": {"columns": ["watched"]}}}
    assert "`campaign_id` is declared twice" in refusal(lambda found: found["impressions"].update(watched))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("log-{date:%Y%m%d%H}.csv", "tells more than a day"),
        ("{date:%Y-%m}/log.csv", "does not tell a day"),
        ("{day}/log.csv", "is not `{date}`"),
    ],
)
def test_a_path_whose_date_is_not_a_day_is_refused(refusal, path, reason):
    assert reason in refusal(lambda found: found["impressions"].update(files=path))


@pytest.mark.parametrize("path", ["{date:%Y}/{date:%m}/{date:%d}/log.csv", "{date:%y%j}.csv", "{date}/x-*.csv"])
def test_a_day_may_be_spelt_in_parts(description, path):
    description["impressions"]["files"] = path
    assert Dataset.model_validate(description).impressions.dated


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ({"column": "t", "zone": "Europe/Berlim"}, "did you mean `Europe/Berlin`?"),
        ({"column": "t", "pattern": "yyyy-MM-ddTHH:mm"}, "`T` means nothing in a pattern of times"),
    ],
)
def test_a_time_that_no_engine_could_read_is_refused(refusal, time, reason):
    assert reason in refusal(lambda found: found["impressions"].update(time=time))


@pytest.mark.parametrize(
    ("setting", "value"), [("windows_days", [7, 7]), ("slices", ["slot", "slot"]), ("windows_days", [])]
)
def test_lists_name_each_thing_once(refusal, setting, value):
    assert setting in refusal(lambda found: found.update({setting: value}))


def test_a_column_that_two_files_declare_is_refused(refusal):
    message = refusal(lambda found: found["attributes"]["ads"]["columns"].update(numeric=["bid"]))
    assert "`bid` is declared twice" in message


def test_a_column_named_like_one_of_the_pipelines_is_refused(refusal):
    message = refusal(lambda found: found["impressions"]["context"]["numeric"].append("p_click"))
    assert "`p_click` is the pipeline's own" in message


@pytest.mark.parametrize(
    ("window", "days"), [("30m", 1), ("6h", 1), ("24h", 1), ("25h", 2), ("2d", 2), ("49h", 3), ("7d", 7)]
)
def test_labels_mature_when_the_window_of_the_days_last_impression_has_closed(description, window, days):
    description["label"]["window"] = window
    assert Dataset.model_validate(description).maturity_days == days


def test_inline_labels_are_mature_at_once():
    assert load_dataset(str(CLICK_LOG.with_name("inline_label.yaml"))).maturity_days == 0


def test_durations_are_minutes_hours_or_days():
    spans = [parse_duration(text) for text in ("30m", "24 h", "7d")]
    assert spans == [timedelta(minutes=30), timedelta(hours=24), timedelta(days=7)]


def test_outcome_columns_are_never_features():
    real = load_dataset("kuairand")
    assert not set(real.impressions.outcomes) & {*real.feature_categorical, *real.feature_numeric}


def test_a_column_has_one_use(refusal):
    assert "`slot` stands in it twice" in refusal(
        lambda found: found["candidates"]["context"].update(categorical=["slot", "slot"])
    )


def test_a_column_is_of_one_kind(refusal):
    assert "`slot` is both categorical and numeric" in refusal(
        lambda found: found["candidates"]["context"].update(numeric=["slot"])
    )
