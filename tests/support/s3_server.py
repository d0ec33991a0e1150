"""An S3-compatible server on the loopback address, in a process of its own: moto's, from PyPI."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.services.ports import free_port


@contextmanager
def s3_server() -> Iterator[str]:
    """The server's address inside the block."""
    port = free_port("127.0.0.1")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def s3_variables(address: str) -> dict[str, str]:
    """What clients of S3 read from the environment: Sail, PyArrow and boto3 alike."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "ctr-key",
        "AWS_SECRET_ACCESS_KEY": "ctr-secret-of-s3",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def make_bucket(address: str, name: str) -> None:
    """Make a bucket."""
    import boto3

    boto3.client("s3", endpoint_url=address, aws_access_key_id="ctr-key", aws_secret_access_key="ctr-secret-of-s3",
                 region_name="us-east-1").create_bucket(Bucket=name)  # fmt: skip
