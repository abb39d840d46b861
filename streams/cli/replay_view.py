"""What a replay found, for people."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from rich.table import Table
from rich.text import Text

from kedge.schemas.records import Alert, Command, Finding, Report, Verdict, VersionReport
from kedge.schemas.report_json import iso_time
from kedge.streams.cli.boundary import Exit
from kedge.streams.cli.replay_versions import last_words, versions_table
from kedge.streams.cli.screen import STYLES, screen
from kedge.streams.pictures import bars, printable, shifts
from kedge.streams.replay import Output, Prepared
from kedge.streams.tables.frame import ROW_MS

__all__ = ["Seen", "exit_of", "heading_of", "show"]

_JUDGED: Final = frozenset((Verdict.STABLE, Verdict.WARNING, Verdict.DRIFTED))
_RUNS_MAX: Final = 40
_SIGNALS_MAX: Final = 12


@dataclass(slots=True)
class Seen:
    """Everything that came out."""

    reports: list[Report] = field(default_factory=list)
    versions: list[VersionReport] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    def take(self, output: Output) -> None:
        """Take one record in."""
        match output:
            case Report():
                self.reports.append(output)
            case VersionReport():
                self.versions.append(output)
            case Alert():
                self.alerts.append(output)
            case Command():
                self.commands.append(output)


def exit_of(seen: Seen) -> Exit:
    """Return what the replay's end means: any drift, else anything judged, else nothing."""
    verdicts = {report.verdict for report in seen.reports} | {report.verdict for report in last_words(seen.versions)}
    if Verdict.DRIFTED in verdicts:
        return Exit.DRIFT
    return Exit.WELL if verdicts & _JUDGED else Exit.NOTHING_JUDGED


def show(seen: Seen, heading: str, prepared: Prepared | None = None) -> None:
    """Print the summary; `prepared`: of a file, whose rows may have no time."""
    console = screen()
    console.print(Text(heading))
    console.print(_windows(prepared, seen.reports))
    drifted = _drifted(seen.reports)
    if drifted:
        console.print(_signals(prepared, drifted))
    if seen.versions:
        console.print(versions_table(seen.versions))
    for line in _ending(prepared, seen):
        console.print(line)


def heading_of(prepared: Prepared, source: str) -> str:
    """Return what is compared with what."""
    baseline, first = prepared.baseline, prepared.first_row
    reference = f"the first {first:,} rows" if first else f"{baseline.provenance.rows:,} rows of another file"
    rows = f"{prepared.data.rows:,} rows"
    return (
        f"{source}: {rows} against {printable(reference)} (baseline {baseline.hash}), {len(baseline.signals)} signals"
    )


def _windows(prepared: Prepared | None, reports: Sequence[Report]) -> Table:
    """One line for each run of windows that are alike."""
    streams = {_of(report) for report in reports}
    models = len({report.model for report in reports}) > 1
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("windows", no_wrap=True)
    if len(streams) > 1:
        table.add_column("of", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("why")
    runs = list(_runs(reports))
    for run in runs[:_RUNS_MAX]:
        place, *rest = _cells(prepared, run)
        table.add_row(place, *([Text(printable(_stream(run[0], named=models)))] if len(streams) > 1 else []), *rest)
    if len(runs) > _RUNS_MAX:
        table.add_row(Text(f"and {len(runs) - _RUNS_MAX} more lines; --json has every window", "bright_black"))
    return table


def _cells(prepared: Prepared | None, run: Sequence[Report]) -> list[Text]:
    first, last = run[0], run[-1]
    rows = sorted(report.requests for report in run)
    counted = f"{rows[0]:,}" if rows[0] == rows[-1] else f"{rows[0]:,} to {rows[-1]:,}"
    return [
        Text(_span(prepared, first.window_start, last.window_end)),
        Text(f"{len(run)} x"),
        Text(counted),
        Text(first.verdict, STYLES[first.verdict]),
        Text(printable(first.reason)),
    ]


def _runs(reports: Sequence[Report]) -> Iterator[list[Report]]:
    ordered = sorted(reports, key=lambda r: (*_of(r), r.window_start))
    for _, run in groupby(ordered, key=lambda r: (*_of(r), r.verdict, _named(r))):
        yield list(run)


def _of(report: Report) -> tuple[str, str, str, str]:
    return report.model, report.version, report.role.value, report.segment


def _named(report: Report) -> tuple[str, ...]:
    """What a run of windows has in common: the signals at fault, or, where nothing was judged, the reason."""
    if report.verdict in _JUDGED:
        at_fault = report.verdict is not Verdict.STABLE
        return tuple(finding.signal for finding in report.findings if at_fault and finding.verdict is report.verdict)
    return () if report.verdict is Verdict.INSUFFICIENT else (report.reason,)


def _stream(report: Report, *, named: bool) -> str:
    parts = [
        report.model * named,
        report.version,
        "" if report.role == "PRIMARY" else report.role.lower(),
        report.segment,
    ]
    return " ".join(part for part in parts if part) or "all"


def _span(prepared: Prepared | None, start: int, end: int) -> str:
    """Return a window's place: times, or the rows of the file."""
    if prepared is None or prepared.rows_per_window is None:
        first, last = iso_time(start), iso_time(end)
        return f"{first} to {last[11:] if first[:10] == last[:10] else last}"
    first_row = prepared.first_row + start // ROW_MS
    last_row = min(prepared.first_row + end // ROW_MS, prepared.first_row + prepared.data.rows)
    return f"rows {first_row + 1:,} to {last_row:,}"


@dataclass(frozen=True, slots=True)
class _Drift:
    """One signal that drifted: the window that it drifted most in, and how often it did."""

    finding: Finding
    first: Report
    worst: Report
    windows: int


def _drifted(reports: Sequence[Report]) -> list[_Drift]:
    found: dict[tuple[str, str, str], list[tuple[Report, Finding]]] = {}
    for report in reports:
        for finding in report.findings:
            if finding.verdict is Verdict.DRIFTED and report.verdict is Verdict.DRIFTED:
                found.setdefault((report.model, finding.kind, finding.signal), []).append((report, finding))
    drifts = []
    for pairs in found.values():
        worst, finding = max(pairs, key=lambda pair: pair[1].psi_debiased or 0.0)
        windows = len({report.window_start for report, _ in pairs})
        drifts.append(_Drift(finding, pairs[0][0], worst, windows))
    return sorted(drifts, key=lambda drift: -(drift.finding.psi_debiased or 0.0))


def _signals(prepared: Prepared | None, drifted: Sequence[_Drift]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title="drifted", title_justify="left")
    for column in ("signal", "psi", "cause", "windows", "first", "reference ▏ current", "what moved"):
        table.add_column(column, no_wrap=column in ("reference ▏ current", "first"))
    for drift in drifted[:_SIGNALS_MAX]:
        finding, start = drift.finding, drift.first.window_start
        psi = "" if finding.psi_debiased is None else f"{finding.psi_debiased:.2f}"
        first = _span(prepared, start, start).split(" to ")[0]
        moved = ", ".join(shifts(finding.bins, 2)) or printable(finding.reason)
        name = printable(finding.signal) + (" (rule)" if finding.kind == "quality" else "")
        table.add_row(
            Text(name, "red"),
            psi,
            finding.cause.lower(),
            str(drift.windows),
            Text(first),
            _picture(finding),
            Text(moved),
        )
    if len(drifted) > _SIGNALS_MAX:
        table.add_row(Text(f"and {len(drifted) - _SIGNALS_MAX} more", "bright_black"))
    return table


def _picture(finding: Finding) -> Text:
    highest = max((max(share.reference, share.current) for share in finding.bins), default=0.0)
    reference = bars([share.reference for share in finding.bins], highest)
    current = bars([share.current for share in finding.bins], highest)
    return Text.assemble((reference, "blue"), "▏", (current, "red"))


def _ending(prepared: Prepared | None, seen: Seen) -> Iterator[Text]:
    verdicts = Counter(report.verdict for report in seen.reports)
    counted = ", ".join(f"{verdicts[verdict]:,} {verdict}" for verdict in Verdict if verdicts[verdict])
    yield Text(f"{len(seen.reports):,} reports: {counted}", "bold")
    for alert in seen.alerts:
        yield Text(f"would have alerted {alert.owner}: {printable(alert.summary)}", "red")
    for command in seen.commands:
        hours = (command.expires_at - command.issued_at) / 3_600_000
        yield Text(f"would have commanded {command.action}, standing for {hours:g} h unless resumed", "red")
    if exit_of(seen) is Exit.NOTHING_JUDGED:
        reasons = Counter(report.reason for report in seen.reports).most_common(1)
        why = f": {printable(reasons[0][0])}" if reasons else ""
        by_rows = prepared is not None and prepared.rows_per_window is not None
        longer = "give more --rows-per-window" if by_rows else "give longer windows in a monitor file"
        yield Text(f"nothing could be judged{why}. If the windows are too small, {longer}.", "yellow")
