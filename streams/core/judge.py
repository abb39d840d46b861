"""Judge: adds the partitions' counts up, closes windows by watermark, amends and finishes them.

Reads one partition of `partials`: partials of the models whose key leads here, progress of every
source partition. A partial replaces what the same source said of the same cell before.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Final

from kedge.schemas.codec import Codec
from kedge.schemas.errors import Reason, UndecodableError, UnencodableError
from kedge.schemas.records import (
    JoinKind,
    JoinPartial,
    ModelSource,
    Partial,
    Progress,
    Report,
    SourceProgress,
    VersionReport,
)
from kedge.streams.core.assess import assess
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.cells import Cell, CellKey
from kedge.streams.core.columns import RefusedError
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.dead_letters import DeadLetterWriter
from kedge.streams.core.finding_record import with_bins_of
from kedge.streams.core.instructions import Checkpoint, Observation, Write
from kedge.streams.core.judge_model import ModelWindows, PieceKey
from kedge.streams.core.judge_store import PARTIALS, REPORTS, JudgeStore
from kedge.streams.core.measures import Shown
from kedge.streams.core.record import Record
from kedge.streams.core.sequences import Sequences
from kedge.streams.core.versions import Versions, asks
from kedge.streams.core.versions_joins import JoinPiece, is_sound, join_key
from kedge.streams.core.versions_labels import LabelDays
from kedge.streams.core.windows import Due, act, open_starts

__all__ = ["Judge"]

BINS_MAX: Final = 1_000_000
"""Length of a count vector that is believed before it is made."""

TIME_MAX: Final = 1 << 52
"""Latest start of a pane that is believed: whatever is added to it stays within 64 bits."""

COUNT_MAX: Final = 1 << 40
"""A count that is believed: sums over all pieces of a window stay within 64 bits."""

REPORT_BYTES_MAX: Final = 900_000
"""What surely fits into a message; an alert holds no more than its report."""

SIGNALS_SHOWN: Final = (200, 50, 0)
"""Signals whose bins a report still shows when it is too long with more."""


class Judge:
    """One partition's windows; a `Core`."""

    def __init__(self, config: CoreConfig, catalog: Catalog, codec: Codec) -> None:
        self._catalog = catalog
        self._codec = codec
        self._partitions = config.topology["predictions"]
        self._letters = DeadLetterWriter(codec, config.hash_key)
        self._store = JudgeStore(config, codec)
        self._sequences = Sequences(catalog, self._store.versions)
        self._versions = Versions(catalog, self._store.versions, self._sequences)
        self._labels = LabelDays(catalog, self._store.versions)
        self._reports: list[Write] = []
        self._observed: list[Observation] = []
        self._shown = Shown()
        self._now_ms: int | None = None

    @property
    def committed(self) -> dict[str, int]:
        """Source topic to the last offset contained."""
        return self._store.committed

    @property
    def due(self) -> bool:
        """Reports wait for nothing."""
        return bool(self._reports)

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the state partition in."""
        self._store.restore(key, value)

    def restored(self) -> None:
        """Check the state's topology."""
        self._store.check()

    def fold(self, records: Sequence[Record], now_ms: int) -> None:
        """Take partials and progress in, in order of offset."""
        self._now_ms = now_ms  # For the metrics: windows close by what the sources told, never by this worker's clock.
        for record in records:
            try:
                self._take(record)
            except UndecodableError as error:
                self._letters.add(record, RefusedError(error.reason, error.detail), 0)
            self.committed[PARTIALS] = record.offset

    def finish(self) -> None:
        """Close every window as if time had passed: the input is at its end."""
        self._now_ms = None
        for name in sorted(self._store.models):
            self._act(self._store.models[name], 0, finish=True)

    def snapshot(self, now_ms: int) -> Checkpoint | None:
        """Return what changed, and the reports; None where there is nothing to say."""
        reports, self._reports = self._reports, []
        return self._store.checkpoint(now_ms, [*reports, *self._letters.take()])

    def drain(self) -> list[Observation]:
        """Return the observations since the last call."""
        observed, self._observed = self._observed, []
        return [*observed, *self._letters.drain(), *self._store.drain()]

    def _observe(self, report: Report, cause_ms: int) -> None:
        labels = {"model": report.model, "verdict": report.verdict.value}
        self._observed.append(Observation("reports", labels, 1))
        self._observed += self._shown.of(report)
        if not report.segment and report.revision == 0 and self._now_ms is not None:
            self._observed.append(Observation("report_delay_ms", {}, max(0, self._now_ms - cause_ms)))

    def _take(self, record: Record) -> None:
        message = self._codec.decode(record.value or b"", (Partial, JoinPartial, Progress))
        if isinstance(message, Partial):
            self._take_partial(message, record.value or b"")
        elif isinstance(message, JoinPartial):
            self._take_joined(message, record.value or b"")
        elif isinstance(message, Progress):
            self._take_progress(message)

    def _take_partial(self, partial: Partial, value: bytes) -> None:
        key = PieceKey(CellKey.of(partial), partial.source)
        plan = self._catalog.plan(partial.monitor, partial.baseline)
        if partial.bins > BINS_MAX or (plan is not None and partial.bins != plan.layout.size):
            raise UndecodableError(Reason.UNDECODABLE, "counts of another layout")
        cell = Cell.of(partial)
        if not (0 <= partial.source < self._partitions and _is_sound(partial, cell)):
            raise UndecodableError(Reason.UNDECODABLE, "counts that nobody can have counted")
        model = self._store.model(partial.model)
        if partial.pane_start + partial.pane_ms <= model.sealed_through:
            self._store.count_late(model, key, partial.requests)
            return
        self._store.put_piece(model, key, partial, value)
        model.mark(key.cell, open_starts(self._catalog, model.model, partial.pane_start))
        if plan is not None:
            model.see(key.cell, plan, cell)
            if not partial.segment and (asks(plan.monitor) or plan.monitor.sequential):
                self._store.versions.see(partial.model, partial.version, partial.role.value, partial.pane_start)

    def _take_joined(self, partial: JoinPartial, value: bytes) -> None:
        """Take joined counts in; they change no ordinary report, and what comes too late for any is left out."""
        if not (0 <= partial.source < self._partitions and is_sound(partial)):
            raise UndecodableError(Reason.UNDECODABLE, "joined counts that nobody can have counted")
        piece = JoinPiece(join_key(partial), partial.source)
        model = self._store.model(partial.model)
        if partial.kind is JoinKind.LABEL:
            if self._labels.see(model, piece.key):
                self._store.versions.put(piece, partial, value)
        elif partial.pane_start + partial.pane_ms > model.sealed_through:
            self._store.versions.put(piece, partial, value)

    def _take_progress(self, progress: Progress) -> None:
        if not 0 <= progress.source < self._partitions == progress.sources:
            raise UndecodableError(Reason.UNDECODABLE, "progress in a topic of other partitions")
        self._store.sources[progress.source] = SourceProgress(
            source=progress.source,
            sources=progress.sources,
            read_through=progress.read_through,
            at_end=progress.at_end,
        )
        causes: dict[str, int] = {}
        for told in progress.models:
            # A judge that has no counts of a model yet must know all the same where it lives.
            if self._store.owns(told.model):
                model = self._store.model(told.model)
                known = model.sources.get(progress.source)
                if known is None or told.last_appended > known.last_appended:
                    causes[told.model] = told.last_appended
                model.sources[progress.source] = ModelSource(
                    source=progress.source,
                    max_timestamp=told.max_timestamp,
                    watermark=told.watermark,
                    last_appended=told.last_appended,
                )
        if len(self._store.sources) == progress.sources:
            for name in sorted(self._store.models):
                self._act(self._store.models[name], causes.get(name, progress.read_through))

    def _act(self, model: ModelWindows, cause_ms: int, *, finish: bool = False) -> None:
        """Close and amend what is due. `cause_ms`: when what moved the model's time on was appended, or given up."""
        closed_before = model.closed_through
        dues = act(model, self._catalog, self._store.sources, finish=finish)
        for (end, _), window in groupby(dues, key=lambda due: (due.window.end, due.window.start)):
            reported = list(self._report(model, window, cause_ms))
            counted = [(due, report) for due, report in reported if due.content is not None]
            if counted and end > closed_before:
                self._tell(self._versions.close(model, counted))
        # At the end of the input there is nothing left to be counted.
        self._tell(self._versions.come_due(model, {} if finish else self._store.sources))
        self._tell(self._labels.tell(model), shown=False)
        self._store.drop_panes(model, self._catalog)

    def _report(self, model: ModelWindows, window: Iterator[Due], cause_ms: int) -> Iterator[tuple[Due, Report]]:
        for due in window:
            report = assess(self._catalog, model, due, self._sequences.findings(model, due))
            self._reports.append(Write(REPORTS, model.model.encode(), self._encode(report)))
            self._observe(report, cause_ms)
            self._store.touch(model)
            yield due, report

    def _tell(self, reports: Iterator[VersionReport], *, shown: bool = True) -> None:
        """Send reports; a day's labels, which come weeks later, are not shown as the newest window."""
        for report in reports:
            self._reports.append(Write(REPORTS, report.model.encode(), self._codec.encode(report)))
            self._observed.append(
                Observation("version_reports", {"model": report.model, "verdict": report.verdict.value}, 1)
            )
            if shown:
                self._observed += self._shown.of(report)

    def _encode(self, report: Report) -> bytes:
        """Return a report as a message: of a thousand categorical signals not all can show their bins."""
        for shown in SIGNALS_SHOWN:
            with suppress(UnencodableError):
                data = self._codec.encode(report)
                if len(data) <= REPORT_BYTES_MAX:
                    return data
            report = with_bins_of(report, shown)
        return self._codec.encode(report)


def _is_sound(partial: Partial, cell: Cell) -> bool:
    counts = (partial.requests, partial.errors, partial.unexpected, *(u.count for u in partial.unseen))
    largest = max(*counts, abs(partial.lost), int(cell.counts.max(initial=0)), int(cell.latency.max()))
    return (
        min(counts) >= 0
        and partial.errors <= partial.requests
        and largest <= COUNT_MAX
        and 0 < partial.pane_ms <= COUNT_MAX
        and 0 <= partial.pane_start <= TIME_MAX
        and partial.pane_start % partial.pane_ms == 0
    )
