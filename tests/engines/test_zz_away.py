import time
from dataclasses import replace
import pytest
from jobs.workspace import Home
from tests.engines.conftest import landed
from tests.engines.test_remote_engine import connect_server, free_port, killed_in_the_middle, night_begun
pytestmark = pytest.mark.spark
def test_away(java, tmp_path):
    embedded = landed(tmp_path, 2, 800)
    remote, port = replace(embedded, home=Home(tmp_path / "remote")), free_port()
    with connect_server(port) as server:
        night = night_begun(remote, port)
        killed_in_the_middle(night, server)
        t = time.time()
        told = night.communicate(timeout=2400)[0]
        print("AWAY", time.time() - t, night.returncode, told[-1500:])
