"""Settings overlays and descriptions of data sets that have gone wrong: they load, or are refused in words."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from fuzz_tally import NAMED, TABLE, count, examples
from hostile_yaml import damaged_texts, trees
from hypothesis import example, given

from conf.dataset import Dataset, load_dataset
from conf.errors import CtrError, SettingsError
from conf.settings import CONF_FOLDER, load_settings
from conf.strict_yaml import MOST_CHARACTERS
from jobs.description.sampling import kinds_of
from jobs.feature_list import model_columns
from jobs.inputs import definition
from jobs.landing.discovery import all_files, files_of
from jobs.store.schemas import specs
from jobs.store.types import arrow_schema, iceberg_schema
from models.settings import ModelSettings

DESCRIPTIONS = tuple(
    path.read_text(encoding="utf-8")
    for path in (
        *sorted((CONF_FOLDER / "datasets").glob("*.yaml")),
        *sorted(Path(__file__).parents[1].glob("data/*.yaml")),
    )
)
EVERY_SETTING = json.dumps(load_settings(None, {}).model_dump(mode="json"))
MODELS = json.dumps({"training": {"model": ModelSettings().to_json()}})
OVERLAYS = (*(path.read_text(encoding="utf-8") for path in CONF_FOLDER.glob("*.yaml")), EVERY_SETTING, MODELS)

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("yaml") / "mine.yaml"


def assert_in_words(error: CtrError, name: str) -> None:
    """A message that names the file and what is wrong in it, and fits on a screen."""
    message = str(error)
    assert name in message
    assert len(message) > len(name) + 10
    assert len(message) < 16_000 and len(message.splitlines()) <= 25
    assert all(line.isprintable() for line in message.splitlines()), message


def assert_usable(dataset: Dataset, folder: Path) -> None:
    """What a night asks of a description before it reads a row."""
    for kind in kinds_of(dataset):
        assert all_files(folder, kind.layout) == files_of(folder, kind.layout, date(2026, 1, 31)) == []
    for spec in specs(dataset).values():
        assert len(arrow_schema(spec.columns)) == len(iceberg_schema(spec.columns).fields)
    model_columns(dataset)
    assert dataset.maturity_days >= 0 and definition(dataset)
    assert [dataset.smoothing_of(name) > 0 for name in dataset.histories]
    assert Dataset.model_validate(json.loads(dataset.model_dump_json(exclude_unset=True))) == dataset


def loaded_description(file: Path, content: bytes, kind: str) -> None:
    file.write_bytes(content)
    try:
        dataset = load_dataset(str(file))
    except SettingsError as error:
        assert_in_words(error, "mine.yaml")
        count(kind, NAMED)
        return
    assert_usable(dataset, file.parent / "none")
    count(kind, TABLE)


def loaded_overlay(file: Path, content: bytes, kind: str) -> None:
    file.write_bytes(content)
    try:
        settings = load_settings(str(file), {})
        ModelSettings.from_json(settings.training.model)
    except SettingsError as error:
        assert_in_words(error, "training.model" if "training.model" in str(error) else "mine.yaml")
        count(kind, NAMED)
        return
    assert load_settings(None, {"CTR_SET_TRAINING": settings.training.model_dump_json()}).training == settings.training
    count(kind, TABLE)


@examples(8)
@given(content=trees(DESCRIPTIONS))
def test_a_description_with_wrong_values_loads_or_is_refused_in_words(file, content):
    loaded_description(file, content, "description, wrong values")


@examples(4.5)
@given(content=damaged_texts(DESCRIPTIONS))
@example(content=b"name: [" * 5_000)
@example(content=BOMB.encode())
@example(content=b"x" * (MOST_CHARACTERS + 1))
def test_a_description_with_damaged_text_loads_or_is_refused_in_words(file, content):
    loaded_description(file, content, "description, damaged text")


@examples(8)
@given(content=trees(OVERLAYS))
def test_settings_with_wrong_values_load_or_are_refused_in_words(file, content):
    loaded_overlay(file, content, "settings, wrong values")


@examples(3)
@given(content=damaged_texts(OVERLAYS))
@example(content=b"training: &a {model: *a}")
@example(content=b"training: {model: &a {x: *a}}")
@example(content=b"training: {seed: 1, seed: 2}")
@example(content=b"airflow: {start_date: 2026-02-30}")
def test_settings_with_damaged_text_load_or_are_refused_in_words(file, content):
    loaded_overlay(file, content, "settings, damaged text")


@examples(2)
@given(content=damaged_texts(("7", "true", "[xgboost]", "{psi: 0.1}")))
def test_a_variable_with_damaged_text_counts_or_is_refused_in_words(content):
    text = content.decode("utf-8", "surrogateescape").replace("\0", "")  # no variable can hold it
    try:
        load_settings(None, {"CTR_SET_TRAINING__SEED": text})
    except SettingsError as error:
        assert_in_words(error, "$CTR_SET_TRAINING__SEED")
        count("variable, damaged text", NAMED)
        return
    count("variable, damaged text", TABLE)
