"""A hostile log run through nights: every page is opened in a browser, every table shown on a terminal."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from hostile_log import ATTACKS, MARK, spoil
from served_reports import served
from task_log import TaskLog

from conf.dataset import load_dataset
from conf.settings import Settings
from jobs.night import nights_between
from jobs.simulate import simulate_days
from jobs.workspace import Home, Workspace

START = date(2026, 1, 1)
NIGHTS = nights_between(START, START + timedelta(days=6))
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
SETTINGS = {
    "training": {
        "models": ["mix"],
        "min_train_days": 1,
        "threads": 1,
        "model": {"boosted": {"max_rounds": 5}, "hashing": {"bits": 10}, "refit": False},
    },
    "promotion": {"confidence": 0.51, "min_slice_impressions": 50, "min_impressions": 100}
    | {"min_calibration_ratio": 0.1, "max_calibration_ratio": 10.0, "max_slice_harm": 10.0},
    "feed": {"max_quarantined_share": 0.5},
}

over_nights = pytest.mark.long
"""Needs the nights of the hostile log, which take a minute."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, engine) -> Workspace:
    """A workspace whose log is hostile, with a champion, a drift page and a person's rollback of hostile words."""
    from jobs.manual_change import promote
    from jobs.night import run_night
    from jobs.train import TrainingRequest, train

    place = tmp_path_factory.mktemp("hostile")
    landing = place / "landing"
    landing.mkdir()
    workspace = Workspace(Home(place / "home"), Settings.model_validate(SETTINGS), load_dataset("simulated"), landing)
    days = {"start": START, "days": len(NIGHTS), "impressions": 900}
    simulate_days(workspace, **days, scenario="calm", drift_from=None, strength=1.0, seed=7)
    for night in NIGHTS:
        spoil(landing / str(night))
    for night in NIGHTS[:-1]:
        list(run_night(workspace, night, lambda step: None))
    request = TrainingRequest(NIGHTS[-2], ("mix",), 28, promote=False, trigger=ATTACKS[0])
    version = train(workspace, request).detail["version"]
    promote(workspace, version, ATTACKS[1], by=ATTACKS[2], as_of=NIGHTS[-2], force=True)
    list(run_night(workspace, NIGHTS[-1], lambda step: None))
    return workspace


@over_nights
def test_the_attacks_are_in_the_tables_as_they_landed(hostile):
    placements = set(hostile.store.arrow("examples", columns=("placement",))["placement"].to_pylist())
    assert any("<script>" in str(value) for value in placements)
    slices = {row["slice"] for row in hostile.store.rows("quality")}
    assert any("<img" in name or "<script" in name for name in slices)
    assert not [name for name in slices if CONTROL.search(name) or "\n" in name]


@over_nights
def test_no_page_runs_a_script_of_the_log(hostile, browser):
    pages = sorted(hostile.home.reports.rglob("*.html"))
    names = {page.name for page in pages}
    assert {"index.html", "evidently.html"} <= names and len(pages) > len(NIGHTS) + 1, names
    with served(hostile.home.reports) as port:
        for page in pages:
            told = opened(browser, f"http://127.0.0.1:{port}/{page.relative_to(hostile.home.reports)}")
            assert MARK not in told["title"], page
            assert told["dialogs"] == [] and told["elsewhere"] == [], page
            opened_as_file = opened(browser, page.as_uri())
            assert MARK not in opened_as_file["title"] and opened_as_file["elsewhere"] == [], page
            if page.name == "evidently.html":
                assert told["words"] > 300, "Evidently's page shows nothing: the sandbox took too much from it"


def opened(browser, address: str) -> dict:
    """What a page does when it is opened and everything on it is clicked at once."""
    page = browser.new_page()
    dialogs, asked = [], []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="load")
    page.wait_for_timeout(2_500 if address.endswith("evidently.html") else 100)
    found = {
        "title": page.title(),
        "dialogs": dialogs,
        "words": len(page.inner_text("body")),
        "elsewhere": [url for url in asked if "evil.example" in url or url.endswith("/x")],
    }
    page.close()
    return found


@pytest.mark.long
def test_a_script_that_did_run_would_be_seen(browser, tmp_path):
    """The test's own test: the same page without escaping is caught."""
    (tmp_path / "page.html").write_text(f"<title>fine</title><p>{ATTACKS[0]}</p>{ATTACKS[1]}")
    assert MARK in opened(browser, (tmp_path / "page.html").as_uri())["title"]


COMMANDS = [
    ["status"],
    ["quality", "--slices"],
    ["models"],
    ["tables"],
    ["features"],
    ["explain", "--date", str(NIGHTS[-1])],
    ["predictions", "--date", str(NIGHTS[-1]), "--limit", "60"],
    *(["show", name, "--limit", "40"] for name in ("impressions", "quarantine", "trainings", "promotions", "landings")),
    ["show", "attributes_ads", "--limit", "40", "--columns", "ad_id,campaign_id,category"],
    ["plan", "--start", str(NIGHTS[0]), "--end", str(NIGHTS[-1])],
]


@pytest.fixture
def ctr(hostile, monkeypatch, capsys):
    """Runs the command line in this process on the hostile home; gives standard output and errors."""
    from jobs.cli import main

    for name in ("CTR_ENV", "CTR_DATASET", "CTR_DATA"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("CTR_HOME", str(hostile.home.path))
    monkeypatch.setenv("COLUMNS", "240")

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["ctr", *arguments, "--data", str(hostile.data), "--dataset", "simulated"])
        with pytest.raises(SystemExit):
            main()
        told = capsys.readouterr()
        return told.out + told.err

    return run


@over_nights
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_value_moves_the_terminal_or_makes_a_line_of_its_own(ctr, command):
    for more in ([], ["--json"]):
        told = ctr(*command, *more)
        assert not CONTROL.findall(told), told
        assert not [line for line in told.splitlines() if line.startswith("error: forged")]
        assert "Traceback" not in told and "unexpected" not in told, told
    if more:
        json.loads(told.splitlines()[-1])


def test_markup_of_the_terminal_is_shown_as_it_stands():
    import pyarrow as pa

    from jobs.store_display import show_rows
    from jobs.terminal import Console

    stream = io.StringIO()
    values = pa.table({"value": [attack[:27] for attack in ATTACKS]})
    show_rows(values, Console(file=stream, force_terminal=True, color_system="truecolor", width=120, highlight=False))
    shown = re.sub("\x1b\\[[0-9;]*m", "", stream.getvalue())
    assert "[red]loud[/red]" in shown and "\\x1b]0;" in shown
    assert not CONTROL.findall(shown)


def test_commands_print_with_the_projects_own_console_and_voice():
    """Rich's console and Typer's `echo` would let control characters through."""
    folder = Path(__file__).resolve().parents[2] / "jobs"
    others = [file for file in sorted(folder.rglob("*.py")) if file.name != "terminal.py"]
    words = ("from rich.console import Console", "rich.print", "typer.echo(")
    assert [str(file) for file in others if any(word in file.read_text(encoding="utf-8") for word in words)] == []


def test_everything_that_people_are_told_is_one_line_and_no_markup(airflow_database, airflow_plugins):
    from ctr_notices import verdict_notice
    from ctr_runs import run_words

    for attack in ATTACKS:
        decision = {"day": "2026-01-05", "verdict": "watch", "cause": "shift", "reasons": [attack], "report": ""}
        notice = verdict_notice(decision, "ctr_nightly", f"manual__{attack}")
        assert not CONTROL.findall(notice.text) and len(notice.text.splitlines()) == 3
        assert "<!channel>" not in notice.text and "<https:" not in notice.text
        html = notice.html()
        assert "<script" not in html and "<img" not in html and "<svg" not in html
        note = run_words(decision)
        assert len(note.splitlines()) == 1 and "](" not in note.replace("\\](", "") and not re.search(r"(?<!\\)<", note)


def test_an_e_mail_gets_no_header_from_a_value(airflow_database, monkeypatch):
    from email import message_from_string

    from receivers import mail_server

    from conf.settings import NotificationSettings
    from ctr_delivery import Notice, mail

    with mail_server() as box:
        connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": box.port}
        connection["extra"] = {"disable_ssl": True, "disable_tls": True, "from_email": "ctr@example.com"}
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        notice = Notice("watch\r\nBcc: everybody@evil.example\r\n\r\nbody", (ATTACKS[0],))
        mail(notice, NotificationSettings(email=("a@example.com",)))
    [(receivers, text)] = box.got
    assert receivers == ["a@example.com"]
    assert message_from_string(text)["Bcc"] is None


def test_a_line_of_a_step_that_holds_control_characters_is_one_line_of_the_task_log(airflow_database, monkeypatch):
    from ctr_tasks import StepOperator

    log = TaskLog()
    monkeypatch.setattr(StepOperator, "log", log)
    StepOperator(task_id="ingest", step="ingest")._log_lines(io.StringIO(f"quarantined {ATTACKS[7]}\n"), [])
    assert log.lines[0].startswith("quarantined \\x1b]0;") and len(log.lines) == 1
    assert not CONTROL.findall(log.lines[0])


@over_nights
def test_no_file_is_named_by_a_value(hostile):
    names = [path.relative_to(hostile.home.path).as_posix() for path in hostile.home.path.rglob("*")]
    assert names and not [name for name in names if MARK in name or not re.fullmatch(r"[\w./=:@+,-]*", name)]
    assert not list(Path.cwd().rglob(MARK))


@pytest.mark.parametrize("evil", ['a: b, evil: "1"', 'a: b\nevil: "1"', "a # evil:\n  evil: 1"])
def test_a_description_drafted_from_hostile_files_holds_their_names_and_no_key_of_theirs(tmp_path, evil):
    import csv

    import yaml

    from jobs.cli.dataset import init

    header = [
        "user_id",
        "ad_id",
        "time",
        "click",
        evil,
        "# x",
        "- y",
        "{z}",
        "&a !!python/object:os.system",
    ]
    data = tmp_path / "data"
    data.mkdir()
    with (data / "log.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for row in range(200):
            writer.writerow(
                [row % 9, row % 7, f"2026-01-0{1 + row % 3} 10:00:00", row % 2, *ATTACKS[row % 5 : row % 5 + 5]]
            )
    output = tmp_path / "drafted.yaml"
    init(data=data, output=output)
    content = yaml.safe_load(output.read_text())
    assert "evil" not in content and "evil" not in content["impressions"]
    if evil.isprintable():
        load_dataset(str(output))
