"""One input's turn: what it is decided by, and what has come of it so far."""

from dataclasses import dataclass, field
from typing import Final

from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.records import Alert, Command, Note, OverrideAction, Report, Severity, VersionReport
from kedge.streams.core.guarding.incident import About
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.readings import Readings
from kedge.streams.core.guarding.states import State, Trigger, after
from kedge.streams.core.instructions import Observation

__all__ = ["HOLDING", "News", "Turn"]

HOLDING: Final = (OverrideAction.PIN, OverrideAction.SUPPRESS, OverrideAction.DISARM)
"""Overrides that hold automation for as long as they last."""


@dataclass(slots=True)
class News:
    """What the incident's own alert will say; one a turn, made when everything else is decided."""

    event: str
    reason: str
    severity: Severity | None = None
    freeze_stands_until: int | None = None


@dataclass(slots=True)
class Turn:
    """Everything of one input. The handlers change `model`, and leave here what goes out."""

    environment: str
    model: ModelState
    monitor: MonitorSpec
    monitor_hash: str
    now_ms: int
    digest: str
    """Hex SHA-256 of the input's value."""
    readings: Readings
    about: About = field(default_factory=About)
    baseline: str = ""
    report: Report | VersionReport | None = None
    news: News | None = None
    drill: bool = False
    steps: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    staged: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    vetoes: tuple[Note, ...] = ()
    observed: list[Observation] = field(default_factory=list)

    def fire(self, trigger: Trigger) -> None:
        """Move the model by the table."""
        self.model.state = after(self.model.state, trigger)

    def step(self, name: str, reason: str) -> None:
        """Note something that was done, and why."""
        self.steps.append(name)
        self.reasons.append(reason)

    def say(self, reason: str) -> None:
        """Note why nothing was done."""
        self.reasons.append(reason)

    def count(self, name: str, **labels: str) -> None:
        """Count something for the metrics."""
        self.observed.append(Observation(name, {"model": self.model.model, **labels}, 1))

    def held(self, *actions: OverrideAction) -> bool:
        """Return whether people hold automation now, by one of these or by any."""
        holds = self.model.holds
        return any(a in holds and holds[a].expires_at > self.now_ms for a in actions or HOLDING)

    def settle(self) -> None:
        """Leave AWAIT_ACK for whatever is open now that the command has ended."""
        self.fire(Trigger.ENDED_CALM if self.model.incident is None else Trigger.ENDED_INCIDENT)

    def release(self) -> None:
        """Leave HUMAN_HOLD or FAILED_ACTION for whatever is open below."""
        model = self.model
        if model.failed is not None:
            if model.state is State.HUMAN_HOLD:
                self.fire(Trigger.RELEASED_FAILED)
        elif model.routed:
            self.fire(Trigger.RELEASED_ROUTED)
        elif model.incident is not None:
            self.fire(Trigger.RELEASED_CONTAINED if model.incident.contained else Trigger.RELEASED_INCIDENT)
        elif model.cooldown:
            self.fire(Trigger.RELEASED_COOLING)
        else:
            self.fire(Trigger.RELEASED_CALM if model.blind is None else Trigger.RELEASED_BLIND)
