"""Model files: no pickle anywhere, and none is loaded that is not byte for byte what was registered."""

from __future__ import annotations

import ast
import json
import os
import pickle
import shutil
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from registered_versions import registered

from conf.errors import StoreError
from conf.file_digests import sha256_of
from jobs.champion import bundle_folder, load_version
from models.batches import TableBatches
from models.bundle import load_bundle, train_bundle
from models.columns import FeatureColumns
from models.settings import ModelSettings

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
FOLDERS = ("conf", "features", "jobs", "models", "monitoring", "simulation", "validation", "dags")
FILES = ("booster.ubj", "calibrator.json", "encoder.json", "logistic.npz", "mix.json")
NIGHT = date(2026, 1, 10)


class Touches:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (os.system, (f"touch {self.mark}",))


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """A mix, which has every kind of file that a bundle can have."""
    rng = np.random.default_rng(3)
    site, ctr = rng.integers(0, 5, 600).astype(str), rng.random(600)
    rows = pa.table({"site": site, "ad_ctr": ctr, "clicked": (rng.random(600) < ctr).astype("int64")})
    rows = rows.append_column("dt", pa.array([NIGHT] * 600))
    columns = FeatureColumns(categorical=("site",), rates=("ad_ctr",))
    folder = tmp_path_factory.mktemp("mix") / "bundle"
    settings = ModelSettings.from_json({"boosted": {"max_rounds": 3}, "hashing": {"bits": 8}})
    train_bundle("mix", settings, columns, TableBatches(rows), TableBatches(rows)).save(folder)
    assert {path.name for path in folder.iterdir()} == {"manifest.json", *FILES}
    return folder


@pytest.fixture
def bundle(saved, tmp_path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "bundle"))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("way", ["one bit", "longer", "empty", "gone", "a link to itself elsewhere", "a folder"])
def test_a_file_that_is_not_what_it_was_is_refused_by_name(bundle, tmp_path, name, way):
    file = bundle / name
    content = file.read_bytes()
    if way == "one bit":
        file.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    elif way == "longer":
        file.write_bytes(content + b" ")
    elif way == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()
    if way == "a link to itself elsewhere":  # the same bytes now, others once they have been checked
        (tmp_path / "elsewhere").write_bytes(content)
        file.symlink_to(tmp_path / "elsewhere")
    if way == "a folder":
        file.mkdir()

    with pytest.raises(StoreError, match=name.replace(".", r"\.")):
        load_bundle(bundle)


@pytest.mark.parametrize("name", ["__init__.py", "conda.yaml", "model.pkl", "booster.json", ".hidden"])
def test_an_added_file_is_refused_by_name(bundle, name):
    (bundle / name).write_text("print('hello')")

    with pytest.raises(StoreError, match="not listed"):
        load_bundle(bundle)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_the_manifest_no_longer_lists_is_refused(bundle, name):
    manifest = json.loads((bundle / "manifest.json").read_text())
    del manifest["files"][name]
    (bundle / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(StoreError, match="not listed"):
        load_bundle(bundle)


@pytest.mark.parametrize("name", ["../elsewhere", "/etc/hostname", "..", "sub/../../elsewhere", "a\0b"])
def test_a_manifest_that_names_a_file_elsewhere_is_refused(bundle, name):
    (bundle.parent / "elsewhere").write_text("x")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"][name] = "0" * 64
    (bundle / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(StoreError):
        load_bundle(bundle)


def relisted(bundle: Path, name: str) -> None:
    """Write the digest of a changed file into the manifest: what a forger without the registered digest can do."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"][name] = sha256_of(bundle / name)
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def test_a_pickle_in_an_array_file_is_not_run_even_where_the_manifest_lists_it(bundle, tmp_path):
    mark = tmp_path / "ran"
    np.savez(bundle / "logistic.npz", coefficients=np.array([Touches(mark)], dtype=object), intercept=0.0)
    relisted(bundle, "logistic.npz")

    with pytest.raises(StoreError):
        load_bundle(bundle)
    assert not mark.exists()


@pytest.mark.parametrize("name", FILES)
def test_a_pickle_in_the_place_of_any_file_is_not_run(bundle, tmp_path, name):
    mark = tmp_path / "ran"
    (bundle / name).write_bytes(pickle.dumps(Touches(mark)))
    relisted(bundle, name)

    with pytest.raises(StoreError):
        load_bundle(bundle)
    assert not mark.exists()


def test_an_array_file_whose_members_point_outside_writes_nothing_there(bundle):
    with zipfile.ZipFile(bundle / "logistic.npz", "w") as archive:
        archive.writestr("../../outside.npy", b"x")
        archive.writestr("coefficients.npy", b"no array")
    relisted(bundle, "logistic.npz")

    with pytest.raises(StoreError):
        load_bundle(bundle)
    assert not (bundle.parent.parent / "outside.npy").exists() and not (bundle.parent / "outside.npy").exists()


def other_model(folder: Path) -> None:
    """Put another, whole and consistent bundle in the place of one."""
    rows = pa.table({"clicked": [1, 1, 1, 0]})
    shutil.rmtree(folder)
    train_bundle(
        "constant", ModelSettings(), FeatureColumns(), TableBatches(rows), TableBatches(rows)
    ).save(folder)  # fmt: skip


def test_a_whole_other_model_in_the_place_of_a_registered_one_is_refused(tiny):
    version = registered(tiny, NIGHT)
    load_version(tiny, version)
    other_model(tiny.home.models / "tiny" / version / "bundle")

    with pytest.raises(StoreError, match="not what was registered"):
        load_version(tiny, version)


def test_a_model_that_was_changed_in_mlflow_is_refused_when_it_is_fetched(tiny):
    version = registered(tiny, NIGHT)
    [kept] = {path.parent for path in (tiny.home.mlflow / "artifacts").rglob("bundle/manifest.json")}
    shutil.rmtree(tiny.home.models)
    assert bundle_folder(tiny, version).is_dir()
    shutil.rmtree(tiny.home.models)
    other_model(kept)

    with pytest.raises(StoreError, match="not what was registered"):
        load_version(tiny, version)


def test_no_module_of_the_project_can_unpickle_or_run_text():
    """Names in the code: nothing that turns bytes or text into something that runs, and no shell."""
    forbidden = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}
    calls = {"eval", "exec", "compile", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}
    found = []
    for folder in FOLDERS:
        for file in sorted((PROJECT_FOLDER / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                    found += [f"{file}: imports {name}" for name in names if name.split(".")[0] in forbidden]
                if isinstance(node, ast.Call):
                    name = ast.unparse(node.func)
                    found += [f"{file}:{node.lineno}: {name}"] if name in calls else []
                    for keyword in node.keywords:
                        unsafe = ast.unparse(keyword.value) != "False"
                        if keyword.arg in ("shell", "allow_pickle") and unsafe:
                            found.append(f"{file}:{node.lineno}: {keyword.arg}")
    assert found == []
