"""Days of late labels to version reports: what came of a version's predictions, long after.

A day of one version is told when its counts have changed and an hour of event time has passed since it was last told,
and once more, finally, when no label of it is taken any more: bounded, however labels trickle in. It is shown and not
tested: of labels that are still to come nobody knows whether they are like the others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.records import ControlKind, JoinKind, LabelDay, OutcomeSection, Role, Verdict, VersionReport
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.join_cells import JoinKey
from kedge.streams.core.judge_model import ModelWindows
from kedge.streams.core.versions_joins import Joined, Of
from kedge.streams.core.versions_report import Told, version_report
from kedge.streams.core.versions_sections import observed
from kedge.streams.core.versions_sides import Side, Versus
from kedge.streams.core.versions_state import DAY_MS
from kedge.streams.core.versions_store import VersionsStore
from kedge.streams.core.windows import SEGMENT_MIN

__all__ = ["LabelDays"]

TOLD_EVERY_MS: Final = 3_600_000
"""Event time between two reports of a day."""


class LabelDays:
    """The days of late labels of one judge's models."""

    def __init__(self, catalog: Catalog, store: VersionsStore) -> None:
        self._catalog = catalog
        self._store = store

    def see(self, model: ModelWindows, key: JoinKey) -> bool:
        """Take note of labels; returns whether labels of that day are taken still."""
        spec = self._catalog.spec(key.monitor)
        over_at = key.pane_start + DAY_MS + _horizon_ms(spec)
        if model.watermark >= over_at:
            return False
        versions = self._store.model(model.model)
        name = (key.pane_start, key.version)
        fresh = LabelDay(
            pane_start=key.pane_start,
            version=key.version,
            revision=-1,
            told_at=model.watermark,
            dirty=True,
            over_at=over_at,
        )
        day = versions.labels.get(name, fresh)
        versions.labels[name] = replace(day, dirty=True, over_at=max(day.over_at, over_at))
        return True

    def tell(self, model: ModelWindows) -> Iterator[VersionReport]:
        """Yield the reports of the days that are to be told by now."""
        known = self._store.known(model.model)
        for name, day in sorted(known.labels.items()) if known is not None else ():
            over = model.watermark >= day.over_at
            if not over and not (day.dirty and model.watermark >= day.told_at + TOLD_EVERY_MS):
                continue
            yield from self._reports(model, day, final=over)
            versions = self._store.model(model.model)
            if over:
                del versions.labels[name]
                self._store.drop(self._store.joins[model.model].drop_day(*name))
            else:
                versions.labels[name] = replace(day, revision=day.revision + 1, told_at=model.watermark, dirty=False)

    def _reports(self, model: ModelWindows, day: LabelDay, *, final: bool) -> Iterator[VersionReport]:
        """Yield the day's report over all rows, then of each segment that is large enough."""
        joined = self._store.joins[model.model].day(day.pane_start, day.version)
        plans = sorted({plan for total in joined.sums.values() for plan in total.plans})
        spec = self._catalog.spec(plans[-1][0]) if plans else None
        if spec is None:
            return
        stream = self._store.stream(model.model, day.version, Role.PRIMARY)
        began_at = day.pane_start if stream is None else min(stream.began_at, day.pane_start)
        told = Told(began_at=began_at, revision=day.revision + 1, final=final, outcomes_due=True)
        for segment in sorted({of.segment for of in joined.sums}):
            sections = self._sections(day, segment, joined, spec)
            labels = max((section.n for section in sections), default=0)
            if not segment or labels >= SEGMENT_MIN:
                reason = f"{labels} labels {'of a day' if final else 'so far'}: shown, not tested for harm"
                said = replace(told, gate=(Verdict.INSUFFICIENT, reason), outcomes=sections)
                yield version_report(_versus(day, segment, labels, (spec, plans[-1])), said, model.model)

    def _sections(self, day: LabelDay, segment: str, joined: Joined, spec: MonitorSpec) -> tuple[OutcomeSection, ...]:
        usual: Mapping[str, float | None] = dict.fromkeys(spec.outcomes)
        of = Of(JoinKind.LABEL, day.version, Role.PRIMARY, segment)
        # Told apart as tally has counted them: how many rows a day's segments had is not known here.
        found = observed(self._catalog, of, frozenset(of.segment for of in joined.sums), joined, usual)
        return tuple(outcome.section for outcome in found.values())


def _horizon_ms(spec: MonitorSpec | None) -> int:
    return max((o.label_horizon_ms or 0 for o in spec.outcomes.values()), default=0) if spec is not None else 0


def _versus(day: LabelDay, segment: str, labels: int, plan: tuple[MonitorSpec, tuple[str, str]]) -> Versus:
    return Versus(
        spec=plan[0],
        hashes=plan[1],
        role=Role.PRIMARY,
        segment=segment,
        start=day.pane_start,
        end=day.pane_start + DAY_MS,
        ours=Side.of_pairs(day.version, labels, 1.0),
        control=None,
        kind=ControlKind.NONE,
        told=frozenset(),
        served=0,
    )
