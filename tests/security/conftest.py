"""The Airflow that the tests of the DAGs have, and Chromium where the machine has one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.dags.conftest import airflow_database, airflow_plugins

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["airflow_database", "airflow_plugins", "browser"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine: pages were not opened in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()
