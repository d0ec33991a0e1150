"""Files and rows that have gone wrong, read by the landing reader and parsed by the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from fuzz_tally import NAMED, QUARANTINED, TABLE, count, examples
from hostile_files import HostileFile, damaged_files, whole_files
from hostile_rows import HostileRow
from hypothesis import given
from hypothesis import strategies as st
from landing_files import FIRST, IMPRESSION

from conf.dataset import Dataset, load_dataset
from conf.errors import LandingError
from conf.landing import Files
from features.arrival import within_reach
from features.parse import parsed_impressions
from jobs.landing.columns import impression_source_columns
from jobs.landing.discovery import LandingFile
from jobs.landing.reader import rows_of, stage_file

CLICK_LOG = Path(__file__).parents[1] / "data" / "click_log.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset(str(CLICK_LOG))


def landed(folder: Path, file: HostileFile, name: str = "one") -> tuple[LandingFile, Files]:
    path = folder / f"{name}{file.ending}"
    path.write_bytes(file.content)
    return LandingFile(path, path.name, None), Files(files=path.name, **file.layout)


def read(folder: Path, file: HostileFile) -> list[dict[str, object]]:
    """The rows of a file by the landing reader, in the order in which they stand in it."""
    where, layout = landed(folder, file)
    found = [row for block in rows_of(where, layout, IMPRESSION) for row in block.to_pylist()]
    return sorted(found, key=lambda row: row["_row"])


def shape(found: dict[str, object]) -> str:
    return "no row" if found["_reject"] else "row"


@examples(20)
@given(file=whole_files())
def test_every_row_of_a_file_is_read_as_it_stands_or_rejected_with_its_place(folder, file):
    found = read(folder, file)
    assert [shape(row) for row in found] == ["no row" if row.raw else "row" for row in file.rows], found
    assert len({row["_row"] for row in found}) == len(found)
    old_ends = b"\r" in file.content and b"\n" not in file.content
    for row, expected in zip(found, file.rows, strict=True):
        if not expected.raw:
            cells = {name: row[name] or "" for name in IMPRESSION}
            assert old_ends or cells == expected.cells
        else:
            assert row["_file"] and row["_row"] and row["_text"] is not None
    count(file.kind, QUARANTINED if any(row.raw for row in file.rows) else TABLE)


@examples(6)
@given(file=damaged_files())
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(folder, file):
    where, _ = landed(folder, file)
    with pytest.raises(LandingError) as caught:
        read(folder, file)
    message = str(caught.value)
    assert str(where.path) in message
    assert message.rstrip(".").count(".") >= 1 and len(message) < 2_000, message
    count(file.kind, NAMED)


def parsed(engine, folder: Path, dataset: Dataset, files: Sequence[HostileFile]) -> dict[str, list[dict[str, object]]]:
    """What the engine makes of the rows of many files at once, by file, in order."""
    staged, columns = folder / "staged", impression_source_columns(dataset)
    staged.mkdir(exist_ok=True)
    for old in staged.iterdir():
        old.unlink()
    for number, file in enumerate(files):
        where, layout = landed(folder, file, f"file{number}")
        stage_file(where, layout, columns, staged / f"{number}.parquet")
    rows = within_reach(
        parsed_impressions(engine.read.parquet(str(staged)), dataset, columns), FIRST, dataset.late_days
    )
    shown = rows.selectExpr(
        *(
            "cast(dt as string) dt",
            "impression_id",
            "user_id",
            "ad_id",
            "slot",
            "bid",
            "_file",
            "_row",
            "_text",
            "_reject",
        )
    )
    by_file: dict[str, list[dict[str, object]]] = {f"file{n}{file.ending}": [] for n, file in enumerate(files)}
    for row in shown.toArrow().to_pylist():
        by_file[str(row["_file"])].append(row)
    return {name: sorted(found, key=lambda row: row["_row"]) for name, found in by_file.items()}


def assert_as_expected(row: dict[str, object], expected: HostileRow) -> None:
    if expected.wrong:
        assert row["_reject"], (expected, row)
        assert row["_text"] is not None and len(str(row["_text"])) <= 2_000
    else:
        assert row["_reject"] is None, (expected, row)
        values = tuple(row[name] for name in ("dt", "impression_id", "user_id", "ad_id", "slot", "bid"))
        assert values == (str(expected.day), *expected.values[1:]), expected


@examples(0.24)
@given(files=st.lists(whole_files(), min_size=12, max_size=12))
def test_every_row_becomes_what_it_says_or_is_quarantined_with_a_reason(engine, folder, dataset, files):
    found = parsed(engine, folder, dataset, files)
    for file, rows in zip(files, found.values(), strict=True):
        assert len(rows) == len(file.rows)
        old_ends = b"\r" in file.content and b"\n" not in file.content
        for row, expected in zip(rows, file.rows, strict=True):
            if not old_ends:
                assert_as_expected(row, expected)
            count("row parsed by the engine", QUARANTINED if expected.wrong else TABLE)
