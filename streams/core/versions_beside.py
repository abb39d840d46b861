"""Which versions stand beside which control: in a window, segment by segment."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from kedge.schemas.records import ControlKind, JoinKind, Role
from kedge.streams.core.catalog import ActiveMonitor, Catalog
from kedge.streams.core.judge_model import Window
from kedge.streams.core.versions_joins import Joined, Of
from kedge.streams.core.versions_sides import Side, Versus, leader, served, told_of
from kedge.streams.core.versions_state import ModelVersions, VersionStream
from kedge.streams.core.versions_store import VersionsStore
from kedge.streams.core.windows import Stream

__all__ = ["Beside"]


class Beside:
    """Puts each version of a window beside its control."""

    def __init__(self, catalog: Catalog, store: VersionsStore) -> None:
        self._catalog = catalog
        self._store = store

    def each(
        self,
        active: ActiveMonitor,
        versions: ModelVersions,
        sides: Mapping[Stream, Side],
        joined: Joined,
        window: Window,
    ) -> Iterator[tuple[Versus, VersionStream]]:
        """Yield each version beside its control, segments in order."""
        first = leader(sides)
        whole = {(version, role) for version, role, segment in sides if not segment}
        for version, role in sorted(whole | joined.streams()):
            stream = self._store.stream(versions.model, version, role)
            if stream is None:
                continue
            counted = (version, role) in whole
            told = told_of(sides, version, role) if counted else told_of(sides, first or "", Role.PRIMARY)
            base = Versus(
                spec=active.spec,
                hashes=(active.hash, self._baseline(versions.model, version, window.start)),
                role=Role(role),
                segment="",
                start=window.start,
                end=window.end,
                ours=Side.of_pairs(version, 0, 1.0),
                control=None,
                kind=ControlKind.NONE,
                told=told,
                served=0,
            )
            for segment in sorted(told):
                beside = replace(base, segment=segment, served=served(sides, segment))
                beside = self._with_control(beside, versions, sides, first)
                yield self._with_ours(beside, sides, joined), stream

    def _baseline(self, model: str, version: str, start: int) -> str:
        plan = self._catalog.plan_at(model, version, start)
        return "" if plan is None else plan.hashes[1]

    def _with_ours(self, versus: Versus, sides: Mapping[Stream, Side], joined: Joined) -> Versus:
        version = versus.ours.version
        ours = sides.get((version, versus.role, versus.segment))
        if ours is None:
            own = joined.of(Of(JoinKind.PAIR, version, versus.role, versus.segment), versus.told)
            answers = 0 if own is None else int(own.counts[0])
            complete = 1.0 if versus.control is None else versus.control.completeness
            return replace(versus, ours=Side.of_pairs(version, answers, complete))
        return replace(versus, ours=ours, hashes=versus.hashes if ours.plan is None else ours.plan.hashes)

    def _with_control(
        self, versus: Versus, versions: ModelVersions, sides: Mapping[Stream, Side], first: str | None
    ) -> Versus:
        version = versus.ours.version
        if versus.role is not Role.PRIMARY:
            beside = sides.get((first or "", Role.PRIMARY, versus.segment))
            return versus if beside is None else replace(versus, control=beside, kind=ControlKind.CONCURRENT)
        before = versions.predecessor(version, versus.start) if version == first and not versus.segment else ""
        stream = self._store.stream(versions.model, before, Role.PRIMARY) if before else None
        healthy = [] if stream is None else stream.recent_healthy(versus.start)
        if not healthy:
            return versus
        return replace(versus, control=Side.of_past(before, healthy), kind=ControlKind.HISTORY)
