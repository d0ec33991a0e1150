"""Child processes that run together: started as one, watched, and stopped without leaving any behind."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import psutil

from conf.secret_values import known_secrets, without_secrets
from jobs.services.errors import ServiceError

LOG_LINES_SHOWN = 15


@dataclass(frozen=True)
class Service:
    """One long-running command. `healthy` asks it whether it does its work, and must not raise."""

    name: str
    command: tuple[str, ...]
    healthy: Callable[[], bool]


@dataclass
class ServiceGroup:
    """Services that live and end together. Their output goes to one log file each.

    Asked to stop, they get `seconds_to_stop` for it before they are killed.
    """

    environment: Mapping[str, str]
    folder: Path
    logs: Path
    seconds_to_stop: float = 12.0
    _running: dict[str, tuple[Service, psutil.Popen]] = field(default_factory=dict)

    def start(self, service: Service) -> None:
        """Start one service in a session of its own, so that Ctrl-C in the terminal reaches only this process."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with self.log_of(service.name).open("wb") as log:
            process = psutil.Popen(
                service.command,
                env=dict(self.environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[service.name] = (service, process)

    def log_of(self, name: str) -> Path:
        """Log file of a service."""
        return self.logs / f"{name}.log"

    def states(self) -> dict[str, bool]:
        """Name of each service, and whether it is healthy.

        Raises:
            ServiceError: a service has ended; the message holds the end of its log.
        """
        self.require_running()
        return {name: service.healthy() for name, (service, _) in self._running.items()}

    def require_running(self) -> None:
        """Raise ServiceError, with the end of its log, if a service has ended by itself."""
        for name, (_, process) in self._running.items():
            code = process.poll()
            if code is not None:
                log = self.log_of(name)
                end = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])
                end = without_secrets(end, known_secrets(self.environment))
                raise ServiceError(f"{name} ended with exit code {code}. The end of {log}:\n{end}")

    def wait_until_healthy(self, seconds: float, show: Callable[[Mapping[str, bool]], None]) -> None:
        """Wait until every service is healthy, showing their states meanwhile.

        Raises:
            ServiceError: a service ended, or was not healthy in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            states = self.states()
            show(states)
            if all(states.values()):
                return
            if time.monotonic() > deadline:
                late = ", ".join(name for name, healthy in states.items() if not healthy)
                raise ServiceError(f"Not up after {seconds:.0f} s: {late}. Their logs are in {self.logs}.")
            time.sleep(0.3)

    def stop(self) -> None:
        """Stop every service and everything that any of them started, in whatever process group it runs."""
        family = _with_descendants([process for _, process in self._running.values()])
        _signal_all([process for _, process in self._running.values()], signal.SIGTERM)
        # A service that is being stopped may still start a process: look again before the last blow.
        deadline = time.monotonic() + self.seconds_to_stop
        while time.monotonic() < deadline and any(_alive(process) for process in family):
            leaders = [process for _, process in self._running.values() if _alive(process)]
            known = {process.pid for process in family}
            family += [process for process in _with_descendants(leaders) if process.pid not in known]
            if not leaders:
                _signal_all(family, signal.SIGTERM)
            time.sleep(0.1)
        _signal_all(family, signal.SIGKILL)
        psutil.wait_procs(family, timeout=5)
        self._running.clear()


@contextmanager
def stopped_at_the_end(group: ServiceGroup) -> Iterator[ServiceGroup]:
    """The group, stopped however the block ends: normally, by an error, by Ctrl-C or by SIGTERM."""
    previous = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        yield group
    finally:
        # A second Ctrl-C must not cut the clean-up short and leave children behind.
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            group.stop()
        finally:
            signal.signal(signal.SIGINT, interrupt)
            signal.signal(signal.SIGTERM, previous)


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _with_descendants(processes: list[psutil.Popen]) -> list[psutil.Process]:
    family: list[psutil.Process] = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            family += [psutil.Process(process.pid), *process.children(recursive=True)]
    return family


def _signal_all(processes: list[psutil.Process], number: int) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
