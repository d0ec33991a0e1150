import pytest

from conf.errors import SettingsError
from models.columns import FeatureColumns


def test_columns_survive_json(columns: FeatureColumns) -> None:
    assert FeatureColumns.from_json(columns.to_json()) == columns


def test_all_names_every_column_once_in_order() -> None:
    columns = FeatureColumns(categorical=("a", "b"), numeric=("n",), counts=("k",), rates=("r",), crosses=(("a", "b"),))
    assert columns.all == ("a", "b", "n", "k", "r")


def test_a_column_with_two_meanings_is_refused() -> None:
    with pytest.raises(SettingsError, match="hour"):
        FeatureColumns(categorical=("hour",), numeric=("hour",))


def test_a_cross_of_a_column_that_is_not_categorical_is_refused() -> None:
    with pytest.raises(SettingsError, match="hour"):
        FeatureColumns(categorical=("site",), numeric=("hour",), crosses=(("site", "hour"),))


def test_evidence_must_pair_a_rate_with_a_count() -> None:
    with pytest.raises(SettingsError, match="ad_clicks"):
        FeatureColumns(rates=("ad_ctr",), rate_evidence=(("ad_ctr", "ad_clicks"),))


def test_an_unknown_kind_of_column_is_refused() -> None:
    with pytest.raises(SettingsError, match="embeddings"):
        FeatureColumns.from_json({"embeddings": ["e"]})
