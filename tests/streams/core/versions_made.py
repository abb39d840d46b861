"""A judge that is told counts as a tally would tell them: cells and joined cells made by hand, one pane a window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kedge.detectors import latency
from kedge.detectors.outcomes import NO_LABEL, OutcomeColumns, count_outcomes
from kedge.detectors.pairs import PairColumns, count_pairs
from kedge.schemas.records import (
    JoinKind,
    ModelProgress,
    Progress,
    Report,
    Role,
    SenderRows,
    Verdict,
    VersionReport,
)
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.cells import Cell, CellKey
from kedge.streams.core.instructions import Checkpoint
from kedge.streams.core.join_cells import JoinCell, JoinKey
from kedge.streams.core.join_layouts import outcome_layout, pair_layout
from kedge.streams.core.judge import Judge
from kedge.streams.core.plan import Plan
from tests.streams.core.made import CODEC, MINUTE, Rec, catalog, config, outputs, restored

__all__ = ["START", "WINDOWS", "Answers", "Clicks", "Pairs", "Stage", "as_baseline", "harm"]

START: Final = 1_700_006_400_000
"""Midnight; panes and windows are a minute."""
WINDOWS: Final = "windows: {pane: 60s, length: 1m, hop: 1m, grace: 0, lateness: 1h}\n"


@dataclass(frozen=True, kw_only=True)
class Answers:
    """One version's rows in a window."""

    version: str = "v1"
    role: Role = Role.PRIMARY
    segment: str = ""
    requests: int = 1_000
    errors: int = 0
    slow: int = 0
    lost: int = 0
    drifted: bool = False
    """`age` lies in one bin."""
    senders: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Pairs of a candidate with the primary."""

    version: str = "v2"
    role: Role = Role.SHADOW
    control: str = "v1"
    n: int = 1_000
    disagreeing: int = 0
    segment: str = ""


@dataclass(frozen=True, kw_only=True)
class Clicks:
    """What came of one version's answers: `seen` of `predictions` are known, `clicked` of these are 1."""

    version: str = "v1"
    role: Role = Role.PRIMARY
    predictions: int = 1_000
    seen: int = 1_000
    clicked: int = 50
    segment: str = ""
    kind: JoinKind = JoinKind.OUTCOME


Said = Answers | Pairs | Clicks


class Stage:
    """One judge, and all that it has said."""

    def __init__(self, text: str = "", *, crashes: Sequence[int] = ()) -> None:
        self.catalog: Catalog = catalog(WINDOWS + text)
        self.judge = Judge(config(), self.catalog, CODEC)
        self.states: list[Checkpoint] = []
        self.written: list[bytes] = []
        self.reports: list[Report] = []
        self.told: list[VersionReport] = []
        self._offset = 0
        self._crashes = set(crashes)
        self._rounds = 0

    def window(self, index: int, *said: Said) -> list[VersionReport]:
        """Tell the counts of the window that begins so many minutes after the start; time stands at its end."""
        self.counted(index, *said)
        return self.pass_time(index + 1)

    def counted(self, index: int, *said: Said) -> None:
        """Tell the counts of a window, and let no time pass."""
        self.send(*(self.value(one, START + index * MINUTE) for one in said))

    def windows(self, indices: range, *said: Said) -> list[VersionReport]:
        """Tell the same of several windows; returns the last one's reports."""
        told: list[VersionReport] = []
        for index in indices:
            told = self.window(index, *said)
        return told

    def pass_time(self, index: int) -> list[VersionReport]:
        """Let the watermark come to so many minutes after the start, without a row."""
        return self.send(self.progress(START + index * MINUTE))

    def finish(self) -> list[VersionReport]:
        """The input is at its end."""
        self.judge.finish()
        return self._take()

    def send(self, *values: bytes) -> list[VersionReport]:
        """Append to `partials`, and let the judge read it; returns the version reports that leave."""
        records = []
        for value in values:
            records.append(Rec("e.kedge.partials", self._offset, START, value))
            self._offset += 1
        self.judge.fold(records, START)
        return self._take()

    def _take(self) -> list[VersionReport]:
        checkpoint = self.judge.snapshot(START)
        if checkpoint is not None:
            self.states.append(checkpoint)
        self.written += [w.value or b"" for w in (checkpoint.writes if checkpoint else ()) if w.topic == "reports"]
        left = outputs(checkpoint, "reports")
        self.reports += [one for one in left if isinstance(one, Report)]
        told = [one for one in left if isinstance(one, VersionReport)]
        self.told += told
        self._rounds += 1
        if self._rounds in self._crashes:
            self.judge = Judge(config(), self.catalog, CODEC)
            restored(self.judge, self.states)
        return told

    def progress(self, time: int) -> bytes:
        """Return what one source says that has counted up to `time`."""
        model = ModelProgress(model="m", max_timestamp=time, watermark=time, last_appended=time)
        return CODEC.encode(Progress(source=0, sources=1, read_through=time, at_end=False, models=(model,)))

    def plan(self, version: str, start: int) -> Plan:
        """Return what a version's rows are counted by."""
        plan = self.catalog.plan_at("m", version, start)
        assert plan is not None
        return plan

    def value(self, said: Said, start: int) -> bytes:
        """Return counts as they lie in the log."""
        if isinstance(said, Answers):
            return self._answers(said, start)
        return self._pairs(said, start) if isinstance(said, Pairs) else self._clicks(said, start)

    def _answers(self, said: Answers, start: int) -> bytes:
        plan = self.plan(said.version, start)
        key = CellKey("m", said.version, said.role.value, said.segment, *plan.hashes, start)
        cell = Cell(MINUTE, as_baseline(plan, said))
        times = np.where(np.arange(said.requests) < said.slow, 900.0, 20.0)
        cell.latency = np.bincount(latency.bins(times), minlength=latency.SIZE)
        cell.requests, cell.errors, cell.lost = said.requests, said.errors, said.lost
        senders = tuple(SenderRows(hash=hashed, rows=rows) for hashed, rows in said.senders.items())
        return CODEC.encode(replace(cell.partial(key, 0, 0), senders=senders))

    def _pairs(self, said: Pairs, start: int) -> bytes:
        plan = self.plan(said.control, start)
        layout = pair_layout(plan)
        scores = np.where(np.arange(said.n) < said.disagreeing, 0.9, 0.5)
        columns = PairColumns(
            candidate_score=scores,
            control_score=np.full(said.n, 0.5),
            candidate_label=np.full(said.n, NO_LABEL, np.int16),
            control_label=np.full(said.n, NO_LABEL, np.int16),
            candidate_failed=np.zeros(said.n, np.bool_),
            control_failed=np.zeros(said.n, np.bool_),
            candidate_latency_ms=np.full(said.n, 12.0),
            control_latency_ms=np.full(said.n, 10.0),
            bins=np.zeros((said.n, len(layout.features)), np.uint16),
        )
        key = self._join_key(JoinKind.PAIR, said.version, said.role, plan, start)
        key = key._replace(control=said.control, segment=said.segment)
        return self._joined(key, count_pairs(layout, columns, plan.monitor.compared.tolerance))

    def own(self, said: Pairs, start: int, answers: int) -> bytes:
        """Return how many of a candidate's answers are followed."""
        plan = self.plan(said.version, start)
        counts = np.zeros(pair_layout(plan).size, np.int64)
        counts[pair_layout(plan).candidates] = answers
        key = self._join_key(JoinKind.PAIR, said.version, said.role, plan, start)
        return self._joined(key._replace(segment=said.segment), counts)

    def _clicks(self, said: Clicks, start: int) -> bytes:
        plan = self.plan(said.version, start)
        layout = outcome_layout(plan.monitor.outcomes["click"])
        columns = OutcomeColumns(
            observed=(np.arange(said.seen) < said.clicked).astype(np.float64),
            score=np.full(said.seen, 0.5),
            label=np.full(said.seen, NO_LABEL, np.int16),
        )
        counts = count_outcomes(layout, columns)
        counts[layout.predictions] = said.predictions
        key = self._join_key(said.kind, said.version, said.role, plan, start)
        return self._joined(key._replace(outcome="click", segment=said.segment), counts)

    def _join_key(self, kind: JoinKind, version: str, role: Role, plan: Plan, start: int) -> JoinKey:
        return JoinKey(kind.value, "", "m", version, "", role.value, "", *plan.hashes, start)

    def _joined(self, key: JoinKey, counts: NDArray[np.int64]) -> bytes:
        pane_ms = 1_440 * MINUTE if key.kind == JoinKind.LABEL else MINUTE
        return CODEC.encode(JoinCell(pane_ms, counts.size, counts).partial(key, 0, 0))


def harm(report: VersionReport, measure: str) -> tuple[Verdict, float]:
    """Return one measure's verdict and evidence."""
    return next((h.verdict, h.log_evidence) for h in report.harms if h.measure == measure)


def as_baseline(plan: Plan, said: Answers) -> NDArray[np.int64]:
    counts = np.zeros(plan.layout.size, np.int64)
    for signal, reference in zip(plan.signals, plan.references[""], strict=True):
        shares = reference.counts / reference.n
        counts[signal.where] = np.floor(shares * said.requests)
        if said.drifted and signal.name == "age":
            counts[signal.where] = 0
        counts[signal.where.start] += said.requests - counts[signal.where].sum()
    return counts
