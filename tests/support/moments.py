"""Commands that kill themselves: every moment at which something lasting changes is counted, and one of them ends it.

Nothing in the product knows of this. What the product and its libraries call to make a change last is wrapped here, in
the process of the command alone.
"""

from __future__ import annotations

import functools
import inspect
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

NEVER = 0


class Moments:
    """Counts the moments of this process, writes each one's name to a file, and dies at the one that is wanted."""

    def __init__(self, log: Path, kill_at: int, home: Path) -> None:
        self.kill_at, self.home, self.count = kill_at, home.resolve(), 0
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def reached(self, name: str) -> None:
        """One moment more; the last of the process and its children where it is the wanted one."""
        self.count += 1
        os.write(self.log, f"{name}\n".encode())
        if self.count == self.kill_at:
            os.killpg(0, signal.SIGKILL)

    def dies_next(self) -> bool:
        """Whether the next moment is the last."""
        return self.count + 1 == self.kill_at

    def inside(self, path: object) -> bool:
        """Whether a path lies in the command's home."""
        return Path(os.fspath(path)).resolve().is_relative_to(self.home)  # type: ignore[call-overload]

    def wrap(self, owner: Any, name: str, told: Callable[..., str | None], *, before: bool = True) -> None:
        """Count a moment before and one after each call. `told` names the call; None: this one does not count."""
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def outer(*args: Any, **kwargs: Any) -> Any:
            what = told(*args, **kwargs)
            if what is None:
                return inner(*args, **kwargs)
            if before:
                self.reached(f"before {what}")
            result = inner(*args, **kwargs)
            self.reached(f"after {what}")
            return result

        unbound = isinstance(inspect.getattr_static(owner, name), staticmethod)
        setattr(owner, name, staticmethod(outer) if unbound else outer)

    def watch(self) -> None:
        """Wrap everything that makes a change last."""
        self._watch_tables()
        self._watch_registry()
        self._watch_files()

    def _watch_tables(self) -> None:
        from pyiceberg.catalog.sql import SqlCatalog

        from jobs.store.contents import Contents

        def named(_: object, table: Any, *__: object, **___: object) -> str:
            return f"commit of {table.name()[-1]}"

        self.wrap(SqlCatalog, "commit_table", named)
        self.wrap(SqlCatalog, "create_table", lambda _, identifier, *__, **___: f"creation of {identifier[-1]}")
        # Of a commit this lies in the middle: the new metadata are written, and the catalog does not name them yet.
        self.wrap(SqlCatalog, "_write_metadata", lambda *_, **__: "writing of metadata", before=False)
        self.wrap(Contents, "_remember", lambda *_: "keeping of digests")

    def _watch_registry(self) -> None:
        from mlflow.tracking import MlflowClient

        import jobs.landing.whole_logs
        import jobs.registration
        import jobs.tracking

        self.wrap(jobs.tracking, "log_run", lambda *_, **__: "logging of a run")
        self.wrap(jobs.landing.whole_logs, "stage_file", lambda *_, **__: "staging of a landing file")
        for name in (
            "create_registered_model",
            "create_model_version",
            "set_registered_model_alias",
            "delete_registered_model_alias",
            "set_model_version_tag",
            "log_artifact",
            "log_metric",
        ):
            self.wrap(MlflowClient, name, lambda *_, name=name, **__: f"MLflow's {name}")

    def _watch_files(self) -> None:
        def moved(source: Path, target: object, *_: object) -> str | None:
            return f"putting {self._told(target)} in place" if self.inside(target) else None

        def removed(path: Any, *_: object, **__: object) -> str | None:
            return f"removal of {self._told(path)}" if self.inside(path) else None

        self.wrap(Path, "replace", moved)
        self.wrap(Path, "unlink", removed)
        self.wrap(shutil, "rmtree", removed)
        write_text = Path.write_text

        @functools.wraps(write_text)
        def half_written(path: Path, data: str, *args: Any, **kwargs: Any) -> int:
            if self.inside(path):
                if self.dies_next():
                    write_text(path, data[: len(data) // 2], *args, **kwargs)
                self.reached(f"half of {self._told(path)}")
            return write_text(path, data, *args, **kwargs)

        Path.write_text = half_written  # type: ignore[method-assign]

    def _told(self, path: object) -> str:
        """A path in the home, without what differs from run to run."""
        inner = Path(os.fspath(path)).resolve().relative_to(self.home)  # type: ignore[call-overload]
        return "/".join("*" if len(part) > 30 or part.startswith(".") else part for part in inner.parts)


def run_watched(arguments: list[str], log: Path, kill_at: int, home: Path) -> None:
    """Run the command line in this process, to die at one of its moments; at `NEVER`, only to count them."""
    import sys

    from jobs.cli import main

    Moments(log, kill_at, home).watch()
    sys.argv = ["ctr", *arguments]
    main()


if __name__ == "__main__":
    import sys

    run_watched(sys.argv[4:], Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
