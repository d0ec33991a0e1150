"""Many commands at once on one home, and a full or read-only disk: minutes of work, so `make test-crash` runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml
from crash_scenarios import CLICK_LOG, NIGHTS, SETTINGS, learnable_log
from random_logs import land_log
from table_content import content, differences

from conf.dataset import load_dataset
from conf.settings import Settings
from jobs.workspace import Home, Workspace

pytestmark = pytest.mark.long


def workspace_at(place: Path, home: str | Path = "home") -> Workspace:
    """A home beside landing files, which all homes at a place share: tables tell files by when they were written."""
    if not (place / "landing").is_dir():
        land_log(place / "landing", learnable_log(), NIGHTS)
    (place / "settings.yaml").write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    return Workspace(Home(place / home), Settings.model_validate(SETTINGS), load_dataset(CLICK_LOG), place / "landing")


def started(workspace: Workspace, *arguments: str) -> subprocess.Popen[str]:
    place = ["--home", workspace.home.path, "--data", workspace.data, "--dataset", CLICK_LOG]
    place += ["--env", workspace.data.parent / "settings.yaml"]
    return subprocess.Popen(
        [sys.executable, "-m", "jobs.cli", *arguments, *map(str, place)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def ended(*commands: subprocess.Popen[str]) -> list[tuple[int, str]]:
    said = [command.communicate(timeout=600)[0] for command in commands]
    return [(command.returncode, text) for command, text in zip(commands, said, strict=True)]


def done(workspace: Workspace, *arguments: str) -> None:
    [(code, said)] = ended(started(workspace, *arguments))
    assert code == 0, said


def replay(first: int, last: int) -> Sequence[str]:
    return ("replay", "--start", str(NIGHTS[first]), "--end", str(NIGHTS[last]))


def test_two_nights_of_one_day_a_backfill_and_maintenance_at_once_leave_what_nights_in_order_leave(tmp_path):
    inorder, at_once = workspace_at(tmp_path, "in-order"), workspace_at(tmp_path, "at-once")
    done(inorder, *replay(0, 3))
    done(at_once, *replay(0, 2))
    fourth = ("night", "--date", str(NIGHTS[3]))
    commands = [fourth, fourth, (*replay(0, 2), "--again"), ("maintain",)]
    results = ended(*[started(at_once, *command) for command in commands])
    assert [code for code, _ in results] == [0, 0, 0, 0], results
    done(at_once, *replay(0, 3))
    assert differences(content(inorder), content(at_once)) == {}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for half a night."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk takes the right to mount one")
    yield folder
    # Lazily: this process may hold the catalog open.
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_night_that_filled_the_disk_goes_through_once_there_is_room(small_disk, tmp_path):
    inorder, crowded = workspace_at(tmp_path, "in-order"), workspace_at(tmp_path, small_disk / "home")
    night = ("night", "--date", str(NIGHTS[0]))
    done(inorder, *night)
    [(code, said)] = ended(started(crowded, *night))
    assert (code, "Traceback" in said) == (5, False), said
    assert "no room left" in said
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    done(crowded, *night)
    assert differences(content(inorder), content(crowded)) == {}


def test_a_home_that_is_read_only_is_told_of_and_left_alone(small_disk, tmp_path):
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    home = workspace_at(tmp_path, small_disk / "home")
    done(home, "night", "--date", str(NIGHTS[0]))
    before = content(home)
    # Laid over itself: this process may hold the catalog open for writing, and then the disk itself cannot be closed.
    subprocess.run(["mount", "--bind", small_disk, small_disk], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", small_disk], check=True)
    for command in (("night", "--date", str(NIGHTS[1])), ("maintain",)):
        [(code, said)] = ended(started(home, *command))
        assert (code, "Traceback" in said) == (5, False), said
        assert "cannot be written" in said
    [(code, said)] = ended(started(home, "status"))
    assert code == 0, said
    assert differences(before, content(home)) == {}
    subprocess.run(["umount", "--lazy", small_disk], check=True)


def test_a_night_without_mlflow_is_done_by_the_champion_in_the_home_and_trains_later(tmp_path):
    home = workspace_at(tmp_path)
    done(home, *replay(0, 4))
    plain = (tmp_path / "settings.yaml").read_text(encoding="utf-8")
    unreachable = yaml.safe_dump({**SETTINGS, "tracking": {"uri": "http://127.0.0.1:9"}})
    (tmp_path / "settings.yaml").write_text(unreachable, encoding="utf-8")
    [(code, said)] = ended(started(home, "night", "--date", str(NIGHTS[5])))
    assert code == 0 and "training postponed" in said, said
    [(code, said)] = ended(started(home, "status"))
    assert f"Asked for and not trained: {NIGHTS[5]}" in said, said
    (tmp_path / "settings.yaml").write_text(plain, encoding="utf-8")
    done(home, *replay(5, 5))
    assert home.store.rows("promotions"), "the replay made up for the training"
