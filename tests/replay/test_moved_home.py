"""A home that was rebuilt from its landing files, and one that was moved: both are the home that they come from."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from simulated_nights import NIGHTS, workspace_in
from table_content import TIMINGS

from conf.errors import SettingsError, StoreError
from jobs.champion import champion_as_of, load_version
from jobs.moving.archive import CONTENTS
from jobs.moving.export import export_home
from jobs.moving.importing import import_home
from jobs.plan import plan
from jobs.progress import replay_progress
from jobs.simulate import simulate_days
from jobs.store.contents import DECIMALS, contents_by
from jobs.store.versions import SCHEMA_VERSION
from jobs.tracking import fetch_bundle
from jobs.training_set import measure, of_version
from jobs.workspace import Home

pytestmark = pytest.mark.slow
NEXT = NIGHTS[-1] + timedelta(days=1)
ARBITRARY = {"trainings": ("snapshot", "metrics")}
"""Columns that no two runs have alike: ids that Iceberg draws, and digits that depend on the order of sums."""


@pytest.fixture(scope="module")
def rebuilt(replayed, tmp_path_factory):
    """A home made of the landing files alone. A further day has landed there, that the first home knows nothing of."""
    place = tmp_path_factory.mktemp("rebuilt")
    shutil.copytree(replayed.data, place / "landing")
    workspace = workspace_in(place / "home", place / "landing")
    replay_progress(workspace, NIGHTS[0], NIGHTS[-1], again=False, quiet=True)
    days = {"start": NEXT, "days": 1, "impressions": 3000}
    simulate_days(workspace, **days, scenario="calm", drift_from=None, strength=1.0, seed=7)
    return workspace


@pytest.fixture(scope="module")
def exported(replayed, tmp_path_factory):
    """The archive of a home, and what the export told."""
    path = tmp_path_factory.mktemp("archive") / "home.tar"
    return path, export_home(replayed, path)


@contextmanager
def out_of_reach(home: Home):
    """The home under a name that nobody knows."""
    hidden = home.path.with_name("hidden")
    home.path.rename(hidden)
    try:
        yield
    finally:
        hidden.rename(home.path)


def comparable(workspace):
    """Digests of the tables by day, without what no two runs have alike; floats to nine digits."""
    found = {}
    for name, spec in workspace.store.specs.items():
        if name != TIMINGS:
            rows = workspace.store.read(workspace.engine, name).drop("at", *ARBITRARY.get(name, ()))
            found[name] = contents_by(rows, spec.partition[:1], DECIMALS)
    return found


def unequal(one, other):
    """The tables that differ."""
    return [name for name in {*one, *other} if one.get(name) != other.get(name)]


def test_a_home_rebuilt_from_its_landing_files_is_equal_and_so_are_its_trainings(replayed, rebuilt):
    assert replayed.store.rows("trainings")
    assert unequal(comparable(replayed), comparable(rebuilt)) == []
    for training in rebuilt.store.rows("trainings"):
        version = training["version"]
        assert (
            measure(replayed, of_version(replayed, version)).parts
            == measure(rebuilt, of_version(rebuilt, version)).parts
        )


def test_a_moved_home_holds_the_same_and_goes_on_there(replayed, rebuilt, exported, tmp_path):
    path, told = exported
    expected = comparable(replayed)
    with out_of_reach(replayed.home):
        summary = import_home(path, Home(tmp_path / "elsewhere" / "home"), data=None, digest=told["digest"])
        moved = replace(replayed, home=Home(tmp_path / "elsewhere" / "home"), data=rebuilt.data)
        assert (summary["tables"], summary["data_sets"]) == (told["tables"], ["simulated"])
        assert unequal(expected, comparable(moved)) == []
        assert {night.state for night in plan(moved, NIGHTS[0], NIGHTS[-1])} == {"done"}

        for home in (moved, rebuilt):
            replay_progress(home, NEXT, NEXT, again=False, quiet=True)
        assert unequal(comparable(rebuilt), comparable(moved)) == []
        served = NEXT + timedelta(days=1)
        assert served in moved.store.days("predictions") and champion_as_of(moved, NEXT).version != "0"


def test_a_moved_home_has_the_snapshots_and_the_files_of_every_model(replayed, exported, tmp_path):
    path, _ = exported
    versions = [training["version"] for training in replayed.store.rows("trainings")]
    trained_on = {version: measure(replayed, of_version(replayed, version)).to_dict() for version in versions}
    with out_of_reach(replayed.home):
        import_home(path, Home(tmp_path / "home"))
        moved = replace(replayed, home=Home(tmp_path / "home"))
        for version, parts in trained_on.items():
            assert measure(moved, of_version(moved, version)).to_dict() == parts
            shutil.rmtree(moved.home.models / "simulated" / version)  # so that MLflow has to have it
            fetch_bundle(moved, version, moved.home.models / "simulated" / version)
            load_version(moved, version)
        text = b"".join(file.read_bytes() for file in sorted(moved.home.warehouse.rglob("metadata/*")))
        assert str(moved.home.path).encode() in text and str(replayed.home.path).encode() not in text


def test_an_archive_holds_neither_pickles_nor_what_belongs_to_the_machine(exported):
    path, _ = exported
    with tarfile.open(path) as tar:
        names = tar.getnames()
    assert names[-1] == CONTENTS
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib", "passwords.json"))]
    assert {name.partition("/")[0] for name in names} == {
        *("tables", "mlflow", "models", "reports", "settings.yaml", CONTENTS)
    }


def rewritten(path, target, change):
    """An archive with each of its files changed, or left out where the change gives None."""
    with tarfile.open(path) as old, tarfile.open(target, "w") as new:
        for entry in old:
            found = change(entry.name, old.extractfile(entry).read())
            if found is not None:
                entry.size = len(found)
                new.addfile(entry, io.BytesIO(found))
    return target


def with_other_version(name, content):
    if name != CONTENTS:
        return content
    return json.dumps(json.loads(content) | {"schema_version": SCHEMA_VERSION + 1}).encode()


DAMAGE = {
    "a byte of a table": (
        lambda name, content: content[:-9] + b"!" + content[-8:] if name.endswith(".parquet") else content,
        "was changed or damaged",
    ),
    "a file missing": (
        lambda name, content: None if name.endswith("mlflow.db") else content,
        "`mlflow/mlflow.db` is missing",
    ),
    "no list of files": (lambda name, content: None if name == CONTENTS else content, "not whole: its list of files"),
    "of newer code": (with_other_version, "was written by newer code"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_changed_archive_is_refused_and_leaves_nothing(exported, tmp_path, kind):
    change, words = DAMAGE[kind]
    broken = rewritten(exported[0], tmp_path / "broken.tar", change)
    with pytest.raises(StoreError, match=words):
        import_home(broken, Home(tmp_path / "place" / "home"))
    assert list((tmp_path / "place").iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 0.999])
def test_a_part_of_an_archive_is_refused_and_leaves_nothing(exported, tmp_path, share):
    whole = exported[0].read_bytes()
    (tmp_path / "part.tar").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(StoreError, match=r"not all of one|is not whole"):
        import_home(tmp_path / "part.tar", Home(tmp_path / "place" / "home"))
    assert list((tmp_path / "place").iterdir()) == []


def test_an_archive_that_somebody_made_anew_is_refused_by_its_digest(exported, tmp_path):
    path, told = exported
    forged = rewritten(
        path, tmp_path / "forged.tar", lambda name, content: content + b" " if name == CONTENTS else content
    )
    with pytest.raises(StoreError, match="another archive than the one with the digest"):
        import_home(forged, Home(tmp_path / "home"), digest=told["digest"])


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "models/../../outside", "airflow/passwords.json"])
def test_a_file_that_would_land_elsewhere_is_refused(tmp_path, name):
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(StoreError, match="has no place in an archive"):
        import_home(tmp_path / "evil.tar", Home(tmp_path / "place" / "home"))
    assert list((tmp_path / "place").iterdir()) == [] and not (tmp_path / "outside").exists()


def test_a_home_that_is_there_is_never_touched(exported, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mine").write_text("kept")
    with pytest.raises(SettingsError, match=r"is not empty\. Import into a new folder"):
        import_home(exported[0], Home(tmp_path / "home"))
    assert (tmp_path / "home" / "mine").read_text() == "kept"
