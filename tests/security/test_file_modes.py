"""Files of a home: nobody but the owner can write them, whatever the process that runs us lets through."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from landing_files import FIRST, OPEN_GATE, impression, land

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
DESCRIPTION = PROJECT_FOLDER / "tests" / "data" / "click_log.yaml"
RUN = """
import os, sys
os.umask(0)
from jobs.cli import main
for arguments in (["night", "--date", DAY], ["status"], ["nonsense"], ["maintain"]):
    sys.argv = ["ctr", *arguments]
    try:
        main()
    except SystemExit:
        pass
from jobs.workspace import open_workspace
from jobs.services.airflow_home import AirflowHome
from registered_versions import registered
from datetime import date
workspace = open_workspace()
registered(workspace, date.fromisoformat(DAY))
AirflowHome.of(workspace.home).create()
"""


@pytest.mark.long
def test_no_file_of_a_home_can_be_written_by_others_even_with_umask_0(tmp_path):
    import json

    landing, home = tmp_path / "landing", tmp_path / "home"
    land(landing, FIRST, impressions=[impression("i1", FIRST)], clicks=[("i1", f"{FIRST} 13:00:00")])
    variables = {"CTR_HOME": str(home), "CTR_DATASET": str(DESCRIPTION), "CTR_DATA": str(landing)}
    variables |= {"CTR_SET_FEED": json.dumps(OPEN_GATE)}
    path = os.pathsep.join([str(PROJECT_FOLDER), str(PROJECT_FOLDER / "tests" / "support")])
    script = f"DAY = {str(FIRST)!r}\n{RUN}"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **variables, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]

    found = [home, *home.rglob("*")]
    kinds = {entry.suffix for entry in found}
    assert {".parquet", ".db", ".json", ".html", ".avro"} <= kinds, kinds
    others = stat.S_IWGRP | stat.S_IWOTH
    writable = [str(entry) for entry in found if not entry.is_symlink() and entry.stat().st_mode & others]
    assert writable == []


def test_airflows_own_logs_are_not_written_by_the_group_either(tmp_path):
    from jobs.services.airflow_home import airflow_variables
    from jobs.workspace import open_workspace

    variables = airflow_variables(open_workspace(home=tmp_path, dataset="kuairand"), 8123)

    for kind in ("FILE", "FOLDER"):
        mode = int(variables[f"AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_{kind}_PERMISSIONS"], 8)
        assert not mode & 0o022
