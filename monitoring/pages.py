"""What the report site shows: one page a night, and one row a night on the index. Plain values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from monitoring.decision import Cause, Verdict
from monitoring.measures import DriftMeasures
from monitoring.quality import best_known, relative_change


@dataclass(frozen=True)
class Link:
    """A link to another file of the site. `href` is relative to the page it stands on.

    Raises:
        ValueError: the address leaves the site; pages work offline and lead nowhere else.
    """

    label: str
    href: str

    def __post_init__(self) -> None:
        """Refuse addresses with a scheme or a host."""
        if not self.href or ":" in self.href or self.href.startswith(("/", "\\")):
            raise ValueError(f"Link `{self.label}`: `{self.href}` is not a relative path within the site.")


@dataclass(frozen=True)
class SliceQuality:
    """Quality of one model on one slice of a day. `slice_name` is e.g. `all` or `ad age: new`."""

    slice_name: str
    impressions: int
    ctr: float | None
    ne: float | None
    calibration_ratio: float | None
    labels: Literal["provisional", "final"]
    ne_promised: float | None = None
    day: date | None = None
    model: str = ""

    @property
    def ne_change(self) -> float | None:
        """Relative excess of NE over what was promised; above 0 is worse."""
        return relative_change(self.ne, self.ne_promised)


@dataclass(frozen=True)
class TableCount:
    """Rows of one table after the night. `note` tells e.g. that landed = published + quarantined + duplicates."""

    table: str
    rows: int | None
    note: str = ""


@dataclass(frozen=True)
class StepTiming:
    """What one step of the night took. `peak_mb` is MiB of its process; None where an older record does not say."""

    step: str
    seconds: float
    cpu_seconds: float | None = None
    peak_mb: float | None = None
    rows_in: int | None = None
    rows: int | None = None
    rows_per_second: float | None = None
    bytes_written: int | None = None


@dataclass(frozen=True)
class NightPage:
    """Everything on one night's page. `evidently_page` is relative to the night's folder; empty where there is none.

    Raises:
        ValueError: `evidently_page` leaves the site.
    """

    day: date
    verdict: Verdict
    cause: Cause
    reasons: tuple[str, ...]
    title: str = "CTR pipeline"
    champion: str = ""
    champion_trained_on: date | None = None
    quality: tuple[SliceQuality, ...] = ()
    drift: DriftMeasures | None = None
    tables: tuple[TableCount, ...] = ()
    timings: tuple[StepTiming, ...] = ()
    evidently_page: str = ""
    links: tuple[Link, ...] = ()

    def __post_init__(self) -> None:
        """Hold Evidently's address to the rule of every other link."""
        if self.evidently_page:
            Link("Evidently", self.evidently_page)


@dataclass(frozen=True)
class NightRow:
    """One night on the index. `trained`, `promoted` and `rolled_back` are events that followed from this night."""

    day: date
    verdict: Verdict
    cause: Cause
    reasons: tuple[str, ...] = ()
    drifted_columns: tuple[str, ...] = ()
    drift_share: float | None = None
    ne_provisional: float | None = None
    ne_final: float | None = None
    ne_promised: float | None = None
    calibration_provisional: float | None = None
    calibration_final: float | None = None
    ctr: float | None = None
    ctr_reference: float | None = None
    impressions: int | None = None
    champion: str = ""
    trained: bool = False
    promoted: bool = False
    rolled_back: bool = False
    has_page: bool = True

    @property
    def ne(self) -> float | None:
        """NE from final labels where they are known, else from provisional ones."""
        return best_known(self.ne_final, self.ne_provisional)

    @property
    def calibration_ratio(self) -> float | None:
        """Calibration ratio from final labels where they are known, else from provisional ones."""
        return best_known(self.calibration_final, self.calibration_provisional)

    @property
    def drifting(self) -> bool:
        """Whether the night belongs to a spell of drift or decay: it was noticed, or the answer to it had to wait."""
        noticed = self.verdict in ("watch", "retrain") and self.cause in ("shift", "decay", "new_ads")
        return noticed or (self.verdict == "wait" and bool(self.champion))

    @property
    def ne_change(self) -> float | None:
        """Relative excess of NE over what was promised; above 0 is worse."""
        return relative_change(self.ne, self.ne_promised)
