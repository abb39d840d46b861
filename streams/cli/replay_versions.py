"""What a replay says of versions beside their controls, for people."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from kedge.schemas.records import OutcomeSection, Verdict, VersionReport
from kedge.streams.cli.screen import STYLES
from kedge.streams.pictures import printable

__all__ = ["last_words", "versions_table"]

_MEASURES: Final = ("positive_rate", "accuracy", "mae")
"""What is shown of an outcome, the first that is known; --json has all of them."""


def last_words(reports: Iterable[VersionReport]) -> list[VersionReport]:
    """Return each window's last revision, windows in order."""
    last = {(r.model, r.version, r.role, r.segment, r.window_start): r for r in reports}
    return [last[key] for key in sorted(last)]


def versions_table(reports: Sequence[VersionReport]) -> Table:
    """Return one line for each version, role and segment, over all of its windows."""
    table = Table(box=None, pad_edge=False, header_style="bold", title="versions", title_justify="left")
    for column in ("version", "beside", "windows", "rows", "errors", "disagree", "outcomes", "verdict", "why"):
        table.add_column(column, justify="right" if column in ("windows", "rows") else "left")
    models = len({report.model for report in reports}) > 1
    for stream in _streams(reports):
        first, worst = stream[0], max(stream, key=lambda report: list(Verdict).index(report.verdict))
        version, role = first.version or "every version", first.role.value.lower()
        name = " ".join(part for part in (first.model * models, version, role, first.segment) if part)
        beside = ", ".join(dict.fromkeys(report.control for report in stream if report.control)) or "nothing"
        table.add_row(
            Text(printable(name)),
            Text(printable(beside)),
            f"{len(stream)}",
            f"{sum(report.requests for report in stream):,}",
            _beside(_mean_errors(stream), _mean_errors(stream, control=True)),
            _disagreement(stream),
            Text(printable(", ".join(_outcomes(stream)))),
            Text(worst.verdict.value, STYLES[worst.verdict]),
            Text(printable(worst.reason)),
        )
    return table


def _streams(reports: Sequence[VersionReport]) -> Iterator[list[VersionReport]]:
    streams: dict[tuple[str, str, str, str], list[VersionReport]] = {}
    for report in last_words(reports):
        key = (report.model, report.version, report.role.value, report.segment)
        streams.setdefault(key, []).append(report)
    yield from streams.values()


def _mean(pairs: Iterable[tuple[float | None, int]]) -> float | None:
    known = [(value, rows) for value, rows in pairs if value is not None and rows]
    rows = sum(rows for _, rows in known)
    return sum(value * rows for value, rows in known) / rows if rows else None


def _mean_errors(stream: Sequence[VersionReport], *, control: bool = False) -> float | None:
    if control:
        return _mean((report.control_error_share, report.control_requests) for report in stream)
    return _mean((report.error_share, report.requests) for report in stream)


def _disagreement(stream: Sequence[VersionReport]) -> str:
    pairs = [report.pairs for report in stream if report.pairs is not None]
    rate = _mean((section.disagreement_rate, section.n) for section in pairs)
    return "" if rate is None else f"{rate:.2%} of {sum(section.n for section in pairs):,} pairs"


def _outcomes(stream: Sequence[VersionReport]) -> Iterator[str]:
    names = dict.fromkeys(section.outcome for report in stream for section in report.outcomes)
    for name in names:
        own = [section for report in stream for section in report.outcomes if section.outcome == name]
        other = [section for report in stream for section in report.control_outcomes if section.outcome == name]
        for measure in _MEASURES:
            rate = _measured(own, measure)
            if rate is not None:
                yield f"{name} {measure} {_beside(rate, _measured(other, measure))}"
                break
        else:
            yield f"{name}: {sum(section.n for section in own):,} observed"


def _measured(sections: Sequence[OutcomeSection], measure: str) -> float | None:
    return _mean((getattr(section, measure), section.n) for section in sections)


def _beside(own: float | None, other: float | None) -> str:
    if own is None:
        return ""
    return f"{own:.2%}" if other is None else f"{own:.2%} beside {other:.2%}"
