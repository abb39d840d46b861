"""What must hold of counts and reports when a run is over; every check says what it found wrong, in words."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from math import ceil
from typing import Final, NamedTuple

from kedge.schemas.packed import unpack_counts
from kedge.schemas.records import (
    JoinPartial,
    JudgeDetail,
    Partial,
    Position,
    Progress,
    Report,
    TallyDetail,
    VersionReport,
)
from kedge.streams.core.instructions import POSITION_KEY
from tests.simulation.deployment import CODEC, hashes_of
from tests.simulation.events import REGION
from tests.simulation.join_checks import check_outcome_fates
from tests.simulation.log import Log
from tests.simulation.recount import Cell, Counts, Recount
from tests.simulation.setting import KIND_BINS, SEGMENT_MIN, WATCHED, watched_at

DAY_MS: Final = 24 * 3_600_000
"""Past it a pane is sealed whichever source lags."""
WINDOWS_OF_PANE: Final = 2
"""Most windows that hold one pane."""


class Window(NamedTuple):
    """What one series of revisions is about."""

    model: str
    version: str
    role: str
    segment: str
    start: int
    end: int


def check_partials(log: Log, expected: Recount) -> Iterator[str]:
    """The last word of every source on every cell equals the recount, bin by bin."""
    last: dict[tuple[int, Cell], Partial] = {}
    for entry in log.entries("partials"):
        partial = CODEC.decode(entry.value or b"", (Partial, JoinPartial, Progress))
        if isinstance(partial, Partial):
            cell = Cell(partial.model, partial.version, partial.role.value, partial.segment, partial.pane_start)
            before = last.get((partial.source, cell))
            if before is not None and before.through >= partial.through:
                yield f"{cell} of source {partial.source} left twice, or went back: through {partial.through}"
            last[partial.source, cell] = partial
    for place in sorted(last.keys() | expected.cells.keys()):
        wanted = expected.cells.get(place, Counts())
        if place in last:
            yield from _check_partial(place[1], last[place], wanted)
        elif wanted != Counts():
            yield f"{place}: {wanted}, never counted"


def _check_partial(cell: Cell, found: Partial, wanted: Counts) -> Iterator[str]:
    watched = watched_at(cell.model, cell.pane)
    if watched is None or (found.monitor, found.baseline) != hashes_of(watched):
        yield f"{cell}: counted by another plan than the one that acts at its time"
        return
    counts = unpack_counts(found.counts, found.bins).tolist()
    if counts != [wanted.bins[place] for place in range(watched.bins)]:
        yield f"{cell} of source {found.source}: bins {counts}, the recount says {wanted.bins}"
    told = (found.requests, found.errors, found.lost)
    if told != (wanted.requests, wanted.errors, wanted.lost):
        yield f"{cell} of source {found.source}: rows, errors, lost {told}, the recount says {wanted}"


def check_fates(log: Log, expected: Recount) -> Iterator[str]:
    """Every row received has one fate, and the states know exactly how many had which."""
    fates = Counter[str]()
    for position in _positions(log, "tally_state"):
        fates.update(CODEC.decode(position.detail, TallyDetail).totals)
    of_rows = {name: rows for name, rows in fates.items() if not name.startswith("outcome_")}
    if of_rows != expected.fates:
        yield f"fates {of_rows}, the recount says {dict(expected.fates)}"
    yield from check_outcome_fates(fates, expected)
    if len(log.entries("dead_letters")) != expected.dead_letters:
        yield f"{len(log.entries('dead_letters'))} dead letters, the recount says {expected.dead_letters}"


def check_reports(log: Log, expected: Recount, newest: int) -> Iterator[str]:
    """Each (window, revision) leaves once, revisions have no gap, and the last is final and right.

    `newest`: the largest event time that every source has counted; what it does not seal is not looked at.
    """
    sealed = newest - max(watched.grace_ms + watched.lateness_ms + watched.pane_ms for watched in WATCHED)
    series: dict[Window, list[Report]] = defaultdict(list)
    for entry in log.entries("reports"):
        report = CODEC.decode(entry.value or b"", (Report, VersionReport))
        if not isinstance(report, Report):
            continue
        stream = (report.model, report.version, report.role.value, report.segment)
        series[Window(*stream, report.window_start, report.window_end)].append(report)
    for window, reports in series.items():
        if [report.revision for report in reports] != list(range(len(reports))):
            yield f"{window}: revisions {[report.revision for report in reports]}"
        if any(report.final for report in reports[:-1]):
            yield f"{window}: revised after it was final"
    wanted = {window: counts for window, counts in _windows(expected).items() if window.end <= sealed}
    last = {window: reports[-1] for window, reports in series.items() if window.end <= sealed}
    yield from (f"{window}: the last of its reports is not final" for window in last if not last[window].final)
    short = {
        window: missing
        for window, counts in wanted.items()
        if (missing := counts.requests - (last[window].requests if window in last else 0))
    }
    yield from _check_short(log, short)
    yield from (f"{window}: {rows} rows missing" for window, rows in short.items() if window.end > newest - DAY_MS)
    for window in sorted(wanted.keys() | last.keys()):
        if window._replace(segment="") in short:
            continue
        if window not in last:
            yield f"{window}: {wanted[window]}, never reported"
        else:
            whole = wanted.get(window._replace(segment=""), Counts())
            yield from _check_last(window, last[window], wanted.get(window, Counts()), whole)


def _check_short(log: Log, short: dict[Window, int]) -> Iterator[str]:
    """Rows are missing from windows only where the judge knows of as many that came past the day's bound."""
    late = sum(CODEC.decode(p.detail, JudgeDetail).totals.get("late", 0) for p in _positions(log, "judge_state"))
    rows = sum(missing for window, missing in short.items() if not window.segment)
    if min(short.values(), default=0) < 0 or not late <= rows <= WINDOWS_OF_PANE * late:
        yield f"the judge knows of {late} late rows, and windows miss {rows}: {short}"


def _check_last(window: Window, last: Report, wanted: Counts, whole: Counts) -> Iterator[str]:
    error_share = wanted.errors / wanted.requests if wanted.requests else None
    if (last.requests, last.error_share) != (wanted.requests, error_share):
        yield f"{window}: {last.requests} rows reported, the recount says {wanted.requests}"
    watched = watched_at(window.model, window.start)
    if watched is None or not wanted.requests:
        return
    # Which segment lost rows lay in is not known: each has lost its share, rounded up.
    rows = wanted.requests + ceil(whole.lost * wanted.requests / whole.requests)
    if last.completeness != wanted.requests / rows:
        yield f"{window}: completeness {last.completeness}, the recount says {wanted.requests} of {rows}"
    faults = {"amount": watched.amount_bins, "kind": watched.amount_bins + KIND_BINS}
    for finding in last.findings:
        if finding.signal in faults and finding.kind.value == "feature":
            end = faults[finding.signal]
            found = (finding.n, finding.missing, finding.invalid)
            if found != (wanted.requests, wanted.bins[end - 2], wanted.bins[end - 1]):
                yield f"{window}: {finding.signal} n, missing, invalid {found}, the recount says {wanted}"


def _windows(expected: Recount) -> dict[Window, Counts]:
    """The recount's cells added up by window; small segments go into `other`, and a small `other` is not told."""
    whole: dict[Window, Counts] = defaultdict(Counts)
    for (_source, cell), counts in expected.cells.items():
        watched = watched_at(cell.model, cell.pane)
        for span in () if watched is None else watched.windows(cell.pane):
            whole[Window(*cell[:4], *span)].merge(counts)
    told: dict[Window, Counts] = defaultdict(Counts)
    for window, counts in whole.items():
        small = window.segment and counts.requests < SEGMENT_MIN
        told[window._replace(segment=f"{REGION}=other") if small else window].merge(counts)
    return {window: counts for window, counts in told.items() if not window.segment or counts.requests >= SEGMENT_MIN}


def _positions(log: Log, topic: str) -> list[Position]:
    last = {entry.partition: entry.value for entry in log.entries(topic) if entry.key == POSITION_KEY}
    return [CODEC.decode(value or b"", Position) for value in last.values()]
