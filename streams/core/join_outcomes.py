"""The tally's second input: what came of predictions.

Each outcome has one fate, and the fates add up to the received. None moves a watermark: that is for predictions to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kedge.schemas.codec import Codec
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import RefusedError
from kedge.streams.core.dead_letters import DeadLetterWriter
from kedge.streams.core.intake_outcomes import observed_as, read_outcome, well_timed
from kedge.streams.core.join import Joins
from kedge.streams.core.join_choice import VERSIONS_MAX
from kedge.streams.core.join_labels import Label, Labels
from kedge.streams.core.join_state import JoinState
from kedge.streams.core.panes import pane_start
from kedge.streams.core.record import Record
from kedge.streams.core.tally_state import TallyState

__all__ = ["OUTCOMES", "OutcomeIntake", "Parts"]

OUTCOMES: Final = "outcomes"


class OutcomeIntake:
    """Reads outcomes, and says which way each goes."""

    def __init__(self, catalog: Catalog, codec: Codec, letters: DeadLetterWriter, parts: "Parts") -> None:
        self._catalog = catalog
        self._codec = codec
        self._letters = letters
        self._parts = parts

    def take(self, record: Record) -> None:
        """Take one record in; what must not be counted becomes a dead letter."""
        joins, model = self._parts.joins, ""
        try:
            outcome = read_outcome(record, self._codec, self._parts.partitions)
            # A model that nobody monitors is a name out of a message: never a label.
            model = outcome["model"] if self._catalog.knows(outcome["model"]) else ""
            joins.fate(model, "received")
            if model and not well_timed(outcome, record.timestamp):
                self._letters.add(
                    record, RefusedError("timestamp", "not positive, or over 5 minutes past its append"), 1
                )
                joins.fate(model, "quarantined")
                return
            fate = self._settle(outcome) if model else "unmonitored"
        except RefusedError as error:
            self._letters.add(record, error, 1)
            fate = "refused"
            if not model:
                joins.fate(model, "received")
        if fate is not None:
            joins.fate(model, fate)

    def take_told(self, outcome: Mapping[str, Any]) -> None:
        """Take an outcome that was read from a file: there is no record of it, and no dead letter."""
        self._parts.joins.fate(outcome["model"], "received")
        try:
            fate = self._settle(outcome)
        except RefusedError:
            fate = "refused"
        if fate is not None:
            self._parts.joins.fate(outcome["model"], fate)

    def _settle(self, outcome: Mapping[str, Any]) -> str | None:
        """Send it its way; returns its fate, None where that is decided there."""
        active = self._catalog.monitor_at(outcome["model"], outcome["timestamp"])
        if active is None:
            return "unmonitored"
        spec = active.spec.outcomes.get(outcome["kind"])
        if spec is None:
            return "unexpected"
        outcome = observed_as(spec, outcome)
        label = self._label(outcome)
        labels = self._parts.labels
        if label is not None and labels.is_known(label):
            return "duplicate"
        windows, horizon_ms = active.spec.windows, active.spec.compared.join_horizon_ms
        if label is None or not self._is_past(label, windows.pane_ms, horizon_ms):
            taken = self._parts.joins.take_outcome(outcome, windows.pane_ms, horizon_ms)
            if label is not None and taken is None:
                labels.remember(label)
            return taken
        if labels.is_late(label):
            return "late"
        if not self._parts.state.version_fits(outcome["model"], outcome["version"], VERSIONS_MAX):
            raise RefusedError("too_many_versions", f"more than {VERSIONS_MAX} live versions")
        labels.take(label)
        return "labelled"

    def _label(self, outcome: Mapping[str, Any]) -> Label | None:
        """The outcome as a label, where it says enough and the monitor takes them."""
        version, predicted_at = outcome["version"], outcome["predicted_at"]
        if version is None or predicted_at is None:
            return None
        plan = self._catalog.plan_at(outcome["model"], version, predicted_at)
        spec = None if plan is None else plan.monitor.outcomes.get(outcome["kind"])
        return None if plan is None or spec is None or spec.label_horizon_ms is None else Label(outcome, plan)

    def _is_past(self, label: Label, pane_ms: int, horizon_ms: int) -> bool:
        """Whether its prediction waits no more."""
        outcome = label.outcome
        over_at = pane_start(outcome["predicted_at"], pane_ms) + pane_ms + horizon_ms
        far: bool = outcome["timestamp"] - outcome["predicted_at"] > horizon_ms
        return far or self._parts.tally.watermark(outcome["model"]) >= over_at


@dataclass(frozen=True, slots=True)
class Parts:
    """What the intake works on; `partitions`: of the topic."""

    tally: TallyState
    state: JoinState
    joins: Joins
    labels: Labels
    partitions: int
