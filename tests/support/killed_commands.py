"""Commands that are killed and run again, beside a reader, and compared with one that nobody disturbed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from moments import NEVER
from polling_reader import loaded, named_tables, partition_counts
from table_content import content, differences

from conf.dataset import load_dataset
from conf.settings import Settings
from jobs.workspace import Home, Workspace

SUPPORT = Path(__file__).parent
KILLED = -signal.SIGKILL
PARTIAL_REPORT = "half a page"
BEGINNING = "beginning"


@dataclass
class Helper:
    """A helper process that answers requests, one JSON object a line."""

    script: str
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        root = SUPPORT.parents[1]
        self.process = subprocess.Popen(
            [sys.executable, str(SUPPORT / self.script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env=os.environ | {"PYTHONPATH": os.pathsep.join((str(root), str(SUPPORT)))},
        )
        self.answer()

    def ask(self, **request: Any) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"{self.script} has ended"
        return dict(json.loads(line))

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(timeout=30)


@dataclass(frozen=True)
class Run:
    """How a command ended: its exit code, how long it took, its moments, and what it printed."""

    code: int
    seconds: float
    moments: tuple[str, ...]
    said: str


@dataclass(frozen=True)
class Expected:
    """What an undisturbed run leaves, the moments it had, and the rows that each partition held before, between or
    after."""

    tables: Mapping[str, Any]
    registry: Mapping[str, Any]
    site: Mapping[str, str]
    counts: Mapping[str, Mapping[str, Sequence[int]]]
    run: Run


@dataclass
class KilledHome:
    """A home in one place, to which it is brought back before each trial, since tables know where they lie."""

    place: Path
    dataset: str
    settings: Mapping[str, Any]
    server: Helper
    reader: Helper

    def __post_init__(self) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        (self.place / "settings.yaml").write_text(yaml.safe_dump(dict(self.settings)), encoding="utf-8")
        self.landing.mkdir(exist_ok=True)

    @property
    def home(self) -> Path:
        return self.place / "home"

    @property
    def landing(self) -> Path:
        return self.place / "landing"

    @property
    def workspace(self) -> Workspace:
        return Workspace(
            Home(self.home), Settings.model_validate(self.settings), load_dataset(self.dataset), self.landing
        )

    def keep(self, name: str) -> None:
        """Keep the home as it is now, to be brought back by its name."""
        shutil.rmtree(self.place / name, ignore_errors=True)
        shutil.copytree(self.home, self.place / name)

    def bring_back(self, name: str) -> bool:
        """Bring a home back that was kept; whether one was."""
        if not (self.place / name).is_dir():
            return False
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(self.place / name, self.home)
        return True

    def run(self, *arguments: str, kill_at: int = NEVER, kill_after: float | None = None) -> Run:
        """Run a command to its end, or until it kills itself at a moment or is killed after some seconds."""
        log, output = self.place / "moments.txt", self.place / "said.txt"
        log.unlink(missing_ok=True)
        place = ["--home", self.home, "--data", self.landing, "--dataset", self.dataset]
        place += ["--env", self.place / "settings.yaml"]
        begun = time.monotonic()
        started = self.server.ask(
            arguments=[*arguments, *map(str, place)],
            kill_at=kill_at,
            home=str(self.home),
            log=str(log),
            output=str(output),
        )
        if kill_after is not None:
            time.sleep(kill_after)
            with suppress(ProcessLookupError):  # it had ended
                os.killpg(started["pid"], signal.SIGKILL)
        ended = self.server.answer()
        moments = tuple(log.read_text(encoding="utf-8").splitlines()) if log.is_file() else ()
        return Run(ended["code"], time.monotonic() - begun, moments, output.read_text(encoding="utf-8"))

    def done(self, *arguments: str) -> Run:
        """Run a command that has to end well."""
        found = self.run(*arguments)
        assert found.code == 0, found.said
        return found

    def undisturbed(self, *arguments: str) -> Expected:
        """What a command leaves of the home as it is now where nobody disturbs it; trials begin with this home too."""
        self.keep(BEGINNING)
        before = self.counts()
        found = self.done(*arguments)
        counts = self.counts()
        for table, partitions in before.items():
            for partition, rows in partitions.items():
                counts.setdefault(table, {}).setdefault(partition, set()).update(rows)
        listed = {name: {part: sorted(rows) for part, rows in of.items()} for name, of in counts.items()}
        return Expected(content(self.workspace), self.registry(), self.site(), listed, found)

    def counts(self) -> dict[str, dict[str, set[int]]]:
        """The rows of each partition in any snapshot that is kept."""
        found: dict[str, dict[str, set[int]]] = {}
        catalog = self.home / "catalog.db"
        for name, location in named_tables(catalog).items() if catalog.is_file() else ():
            table = loaded(location)
            for snapshot in table.snapshots():
                for partition, rows in partition_counts(table, snapshot.snapshot_id).items():
                    found.setdefault(name, {}).setdefault(partition, set()).add(rows)
        return found

    def registry(self) -> dict[str, Any]:
        """MLflow's versions and aliases, and the files of the unpacked models."""
        from jobs.tracking import client

        if not (self.home / "mlflow" / "mlflow.db").is_file():
            return {}
        workspace = self.workspace
        found: dict[str, Any] = {"models": _files(self.home / "models")}
        for model in client(workspace).search_registered_models():
            versions = client(workspace).search_model_versions(f"name = '{model.name}'")
            found["versions"] = {str(one.version): dict(one.tags) for one in versions}
            for tags in found["versions"].values():
                tags.pop("training_examples_snapshot", None)
            found["aliases"] = {alias: str(version) for alias, version in model.aliases.items()}
        return found

    def site(self) -> dict[str, str]:
        """The files of the report site, and what is wrong with a page."""
        reports = self.home / "reports"
        pages = {file.relative_to(reports).as_posix(): file for file in reports.rglob("*") if file.is_file()}
        return {name: page_fault(file) for name, file in sorted(pages.items())}

    def trial(self, arguments: Sequence[str], expected: Expected, kills: Sequence[Mapping[str, Any]]) -> list[str]:
        """Kill a command in these ways, one after the other, run it once more, and tell what is other than expected."""
        self.bring_back(BEGINNING)
        self.reader.ask(do="watch", catalog=str(self.home / "catalog.db"), allowed=expected.counts)
        found = []
        for kill in kills:
            ended = self.run(*arguments, **kill)
            if ended.code not in (0, KILLED):
                found.append(f"run again after a kill it ended with {ended.code}: {ended.said[-2000:]}")
            found += [f"after the kill, {name} is {fault}" for name, fault in served(self.site()).items() if fault]
        again = self.run(*arguments)
        if again.code != 0:
            found.append(f"the last run ended with {again.code}: {again.said[-2000:]}")
        seen = self.reader.ask(do="rest")
        found += [f"a reader saw: {wrong}" for wrong in seen["wrong"]]
        if again.code == 0:
            found += self.other_than(expected)
        return found

    def other_than(self, expected: Expected) -> list[str]:
        """What the home holds that an undisturbed run does not leave, and the other way about."""
        found = []
        tables = differences(dict(expected.tables), content(self.workspace))
        if tables:
            found.append(f"tables differ: {str(tables)[:3000]}")
        if (registry := self.registry()) != expected.registry:
            found.append(f"registry differs: {registry} instead of {expected.registry}")
        site = self.site()
        if served(site) != served(expected.site):
            found.append(f"site differs: {served(site)} instead of {served(expected.site)}")
        return found


def served(site: Mapping[str, str]) -> dict[str, str]:
    """The pages that a reader of the site can open: no name of them begins with a dot."""
    return {name: fault for name, fault in site.items() if not name.split("/")[-1].startswith(".")}


def page_fault(file: Path) -> str:
    """What is wrong with a file of the report site; empty where nothing is."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".html":
        return "" if text.rstrip().endswith("</html>") else PARTIAL_REPORT
    try:
        json.loads(text)
    except ValueError:
        return "no JSON"
    return ""


def _files(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
