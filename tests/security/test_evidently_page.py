"""Evidently's page carries category values inside a script: none of them ends it or becomes one."""

from __future__ import annotations

import pandas as pd
from hostile_log import ATTACKS, MARK

from conf.settings import DriftThresholds
from monitoring.drift import DriftColumns, measure_drift


def test_no_category_becomes_markup_or_script(tmp_path, browser):
    current = pd.DataFrame({"place": [*ATTACKS, "plain"] * 20})
    reference = pd.DataFrame({"place": [*ATTACKS[::-1], "plain", "plain"] * 20})
    page = tmp_path / "evidently.html"
    columns = DriftColumns(("place",), ())

    measured = measure_drift(current, reference, columns, DriftThresholds(), html=page, json_file=None)

    assert measured.columns[0].distance is not None
    opened = browser.new_page()
    opened.goto(page.as_uri(), wait_until="load")
    opened.wait_for_timeout(3_000)
    assert MARK not in opened.title()
    assert len(opened.inner_text("body")) > 100
    opened.close()
