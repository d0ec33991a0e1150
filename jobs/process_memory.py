"""The most memory that this process held since a moment, from the kernel's own high-water mark."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
"""What sets VmHWM back to what is resident now (proc(5), since Linux 4.0)."""


def restart_peak() -> bool:
    """Set the high-water mark back to what is resident now; False where the kernel does not let us."""
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


def peak_mb() -> float:
    """The high-water mark of resident memory in MiB: since `restart_peak`, or since the process began."""
    try:
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    except (OSError, StopIteration):
        unit = 1024**2 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
