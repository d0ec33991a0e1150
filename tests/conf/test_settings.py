from __future__ import annotations

import pytest
from pydantic import ValidationError

from conf.errors import SettingsError
from conf.settings import Settings, load_settings


def overlay(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def refusal(tmp_path, text):
    with pytest.raises(SettingsError) as caught:
        load_settings(overlay(tmp_path, text), {})
    return str(caught.value)


def test_a_misspelt_setting_names_the_nearest_one_and_the_file(tmp_path):
    message = refusal(tmp_path, "feed:\n  max_quarantine_share: 0.1\n")
    assert "unknown setting `feed.max_quarantine_share`" in message
    assert "Did you mean `max_quarantined_share`?" in message
    assert "own.yaml" in message


def test_a_misspelt_block_names_the_nearest_one(tmp_path):
    assert "Did you mean `training`?" in refusal(tmp_path, "trainig: {}\n")


def test_a_value_of_the_wrong_kind_names_the_setting_and_the_value(tmp_path):
    message = refusal(tmp_path, "training:\n  window_days: soon\n")
    assert "training.window_days" in message
    assert "'soon'" in message


def test_a_value_beyond_its_limit_is_refused(tmp_path):
    assert "training.sampling_rate" in refusal(tmp_path, "training: {sampling_rate: 0}\n")


def test_yaml_that_cannot_be_read_names_the_line(tmp_path):
    message = refusal(tmp_path, "feed:\n  - [unclosed\n")
    assert "own.yaml cannot be read as YAML" in message
    assert "line" in message


def test_a_list_where_settings_belong_is_refused(tmp_path):
    assert "found a list" in refusal(tmp_path, "- 1\n")


def test_an_unknown_environment_names_the_known_ones():
    with pytest.raises(SettingsError, match=r"Unknown environment `night`\. Known: .*spark"):
        load_settings("night", {})


def test_an_overlay_changes_what_it_names_and_nothing_else(tmp_path):
    found = load_settings(overlay(tmp_path, "feed: {max_ctr: 0.5}\n"), {})
    assert found.feed.max_ctr == 0.5
    assert found.feed.min_ctr == Settings().feed.min_ctr


def test_the_environment_may_come_from_a_variable():
    assert load_settings(None, {"CTR_ENV": "spark"}).engine.kind == "spark"


def test_a_variable_sets_one_value_over_the_environment():
    variables = {"CTR_SET_FEED__MAX_CTR": "0.5", "CTR_SET_ENGINE__KIND": "embedded", "OTHER": "x"}
    found = load_settings("spark", variables)
    assert (found.feed.max_ctr, found.engine.kind) == (0.5, "embedded")


def test_a_misspelt_variable_is_refused_and_named():
    with pytest.raises(SettingsError, match=r"CTR_SET_FEED__MAX_CRT.*unknown setting `feed.max_crt`"):
        load_settings(None, {"CTR_SET_FEED__MAX_CRT": "0.5"})


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        load_settings(None, {}).feed.max_ctr = 0.5  # type: ignore[misc]
