"""Descriptions drafted from folders of any kind of file: each loads, or what is missing is told."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fuzz_tally import NAMED, TABLE, count, examples
from hostile_folders import folders
from hypothesis import given

from conf.dataset import load_dataset
from conf.errors import CtrError
from jobs.description.draft import drafted
from jobs.description.sampling import kinds_of
from jobs.landing.discovery import all_files


@examples(2)
@given(files=folders())
def test_a_draft_of_any_folder_loads_and_finds_its_files_again_or_says_what_is_missing(files):
    with tempfile.TemporaryDirectory() as place:
        data, target = Path(place) / "data", Path(place) / "mine.yaml"
        for name, content in files.items():
            path = data / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        try:
            text = drafted(data, "mine")
        except CtrError as error:
            assert len(str(error)) < 3_000
            count("folder to draft from", NAMED)
            return
        target.write_text(text, encoding="utf-8")
        dataset = load_dataset(str(target))
        assert all(all_files(data, kind.layout) for kind in kinds_of(dataset)), text
        count("folder to draft from", TABLE)
