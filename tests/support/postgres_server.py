"""A PostgreSQL server of a test's own, from the machine's packages, on the loopback address with a password."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobs.services.ports import free_port

PASSWORD = "p@ss:word/%41"
"""Hard on whoever puts an address together."""
FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@dataclass(frozen=True)
class PostgresServer:
    """A running server; each use has a database of its own."""

    port: int
    bin: Path
    run: Sequence[str]

    def database(self, name: str) -> str:
        """SQLAlchemy's address of a new database."""
        from urllib.parse import quote

        create = [*self.run, str(self.bin / "createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "ctr", name]
        subprocess.run(create, check=True, capture_output=True, env={**os.environ, "PGPASSWORD": PASSWORD})
        return f"postgresql+psycopg2://ctr:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{name}"


def postgres_bin() -> Path | None:
    """Where PostgreSQL's programs are, None where there are none."""
    found = [path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    on_path = shutil.which("initdb")
    return found[-1] if found else Path(on_path).parent if on_path else None


@contextmanager
def postgres_server(bin: Path) -> Iterator[PostgresServer]:
    """A server inside the block. It refuses to run as root, so root runs it as the user `postgres`."""
    run = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="ctr-postgres-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_port("127.0.0.1")
        (folder / "password").write_text(PASSWORD)
        if run:
            shutil.chown(folder, "postgres")
            shutil.chown(folder / "password", "postgres")
        data = str(folder / "data")
        auth = ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--username=ctr", "--encoding=UTF8"]
        subprocess.run([*run, str(bin / "initdb"), "-D", data, *auth], check=True, capture_output=True, cwd=folder)
        options = f"-h 127.0.0.1 -p {port} -k {folder} {FAST}"
        control = [*run, str(bin / "pg_ctl"), "-D", data, "-l", str(folder / "log"), "-w"]
        subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        try:
            yield PostgresServer(port, bin, run)
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=False, stdout=subprocess.DEVNULL, cwd=folder)
