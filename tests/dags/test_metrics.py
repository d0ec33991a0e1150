"""Airflow's own metrics of the steps, sent by OpenTelemetry to a receiver on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PROJECT_FOLDER = Path(__file__).resolve().parents[2]


@contextmanager
def collector():
    """An address, and the bodies that are posted to it."""
    received: list[tuple[str, bytes]] = []

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Keep)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()


def test_a_run_sends_how_long_its_tasks_took(airflow_database, tmp_path):
    with collector() as (address, received):
        variables = {
            "CTR_HOME": str(tmp_path),
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_ENDPOINT": address,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        }
        command = [sys.executable, "-m", "airflow", "dags", "test", "ctr_maintenance"]
        subprocess.run(command, check=True, capture_output=True, cwd=PROJECT_FOLDER, env=os.environ | variables)
    sent = b"".join(body for path, body in received if path == "/v1/metrics")
    assert b"airflow.dag.ctr_maintenance.maintain.duration" in sent
    assert b"airflow.ti.finish.ctr_maintenance.maintain.success" in sent
