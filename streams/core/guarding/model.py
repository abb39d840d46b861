"""What the guard keeps of one model. Plain data and questions about it; what comes of an input is decided elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from kedge.schemas.records import (
    Action,
    EndedOrder,
    GuardModel,
    GuardOrder,
    KpiState,
    Override,
    OverrideAction,
    Rehearsal,
    SeenOverride,
    Standby,
    VersionStanding,
)
from kedge.streams.core.guarding.history import History
from kedge.streams.core.guarding.incident import Incident
from kedge.streams.core.guarding.state_digest import StateDigest
from kedge.streams.core.guarding.states import State

__all__ = ["ENDED_MAX", "ModelState", "StandingKey"]

ENDED_MAX: Final = 16
"""Ended commands remembered; an acknowledgement of an older one is of an unknown command."""

StandingKey = tuple[str, str]
"""Version and role."""


@dataclass(slots=True)
class ModelState:
    """One model's guard; `GuardModel` says what the fields are, `digest` what is recorded of it."""

    model: str
    since: int
    state: State = State.WARMUP
    journal_sequence: int = 0
    command_sequence: int = 0
    history: History = field(default_factory=History)
    incident: Incident | None = None
    order: GuardOrder | None = None
    ended: list[EndedOrder] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=dict)
    standings: dict[StandingKey, VersionStanding] = field(default_factory=dict)
    kpis: dict[str, KpiState] = field(default_factory=dict)
    holds: dict[OverrideAction, Override] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    standbys: dict[str, Standby] = field(default_factory=dict)
    rollbacks: list[int] = field(default_factory=list)
    freeze_expires_at: int | None = None
    frozen_by: str = ""
    failed: str | None = None
    reported_at: int | None = None
    newest_window: int = 0
    least_lag_ms: int | None = None
    poor_windows: int = 0
    blind: str | None = None
    cooldown: int = 0
    drill: Rehearsal | None = None
    drilled_at: int | None = None
    overdue_told_at: int | None = None
    retrain_asked_at: int | None = None
    retrain_told: str = ""
    digest: StateDigest = field(default_factory=StateDigest)

    @property
    def routed(self) -> bool:
        """Whether a rollback, no drill, is open."""
        order = self.order
        return order is not None and order.command.action is Action.ROUTE_TO_SAFE_PATH and not order.command.drill

    @property
    def keeps_frozen(self) -> str:
        """The incident whose rollback keeps the rollout frozen until a person resumes it; empty: none."""
        incident = self.incident
        return incident.incident if incident is not None and incident.route else self.frozen_by

    @property
    def freeze_called_back(self) -> EndedOrder | None:
        """The newest freeze, if it was called back and no router has said that it stands; None: it was not.

        What its routers have said since is in `corrected`: empty is nothing.
        """
        order = self.order
        if order is not None and order.command.action is Action.FREEZE_ROLLOUT and not order.command.drill:
            return None
        freezes = (i for i, e in enumerate(self.ended) if e.action is Action.FREEZE_ROLLOUT and not e.drill)
        newest = max(freezes, default=None)
        if newest is None or self.ended[newest].corrected == "acked":
            return None
        # Whatever calls a command back ends it, and is remembered right behind it.
        behind = self.ended[newest + 1 : newest + 2]
        return self.ended[newest] if any(ended.action is Action.CANCEL for ended in behind) else None

    def of_version(self, version: str) -> Iterator[VersionStanding]:
        """Yield how a version does, in each role that it has."""
        yield from (standing for key, standing in sorted(self.standings.items()) if key[0] == version)

    def forget_attempts(self) -> None:
        """Drop the counts of incidents that nothing is known of any more."""
        known = {ended.incident for ended in self.ended}
        known |= {self.incident.incident} if self.incident else set()
        known |= {self.order.command.incident} if self.order else set()
        known.add(self.frozen_by)
        for key in [k for k in self.attempts if k.partition(" ")[0] not in known]:
            del self.attempts[key]

    def record(self) -> GuardModel:
        """Return the record of all but the streams."""
        return GuardModel(
            model=self.model,
            state=self.state.value,
            since=self.since,
            journal_sequence=self.journal_sequence,
            command_sequence=self.command_sequence,
            cleared_through=self.history.cleared_through,
            incident=None if self.incident is None else self.incident.record(),
            order=self.order,
            ended=tuple(self.ended),
            attempts={key: self.attempts[key] for key in sorted(self.attempts)},
            standings=tuple(self.standings[key] for key in sorted(self.standings)),
            kpis=tuple(self.kpis[key] for key in sorted(self.kpis)),
            holds=tuple(self.holds[key] for key in sorted(self.holds)),
            seen=tuple(SeenOverride(override_id=key, expires_at=self.seen[key]) for key in sorted(self.seen)),
            standbys=tuple(self.standbys[key] for key in sorted(self.standbys)),
            rollbacks=tuple(self.rollbacks),
            freeze_expires_at=self.freeze_expires_at,
            frozen_by=self.frozen_by,
            failed=self.failed,
            reported_at=self.reported_at,
            newest_window=self.newest_window,
            least_lag_ms=self.least_lag_ms,
            poor_windows=self.poor_windows,
            blind=self.blind,
            cooldown=self.cooldown,
            drill=self.drill,
            drilled_at=self.drilled_at,
            overdue_told_at=self.overdue_told_at,
            retrain_asked_at=self.retrain_asked_at,
            retrain_told=self.retrain_told,
        )

    @classmethod
    def of(cls, record: GuardModel) -> "ModelState":
        """Return the state of a record, without its streams; the inverse of `record`."""
        return cls(
            model=record.model,
            since=record.since,
            state=State(record.state),
            journal_sequence=record.journal_sequence,
            command_sequence=record.command_sequence,
            history=History(record.cleared_through),
            incident=None if record.incident is None else Incident.of(record.incident),
            order=record.order,
            ended=list(record.ended),
            attempts=dict(record.attempts),
            standings={(s.version, s.role.value): s for s in record.standings},
            kpis={kpi.outcome: kpi for kpi in record.kpis},
            holds={hold.action: hold for hold in record.holds},
            seen={seen.override_id: seen.expires_at for seen in record.seen},
            standbys={standby.actuator_id: standby for standby in record.standbys},
            rollbacks=list(record.rollbacks),
            freeze_expires_at=record.freeze_expires_at,
            frozen_by=record.frozen_by,
            failed=record.failed,
            reported_at=record.reported_at,
            newest_window=record.newest_window,
            least_lag_ms=record.least_lag_ms,
            poor_windows=record.poor_windows,
            blind=record.blind,
            cooldown=record.cooldown,
            drill=record.drill,
            drilled_at=record.drilled_at,
            overdue_told_at=record.overdue_told_at,
            retrain_asked_at=record.retrain_asked_at,
            retrain_told=record.retrain_told,
        )
