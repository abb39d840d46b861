"""Labels that come long after their prediction and say themselves what it was: counted by day of the prediction.

Nothing of the prediction is held for them. Twice is once, by a hash of request and kind that is kept as long as labels
of that day are taken.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from kedge.schemas.hashing import id_hash
from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.records import JoinKind, Role
from kedge.streams.core.cells import DUPLICATES_POSSIBLE
from kedge.streams.core.join_cells import JoinCell, JoinKey
from kedge.streams.core.join_counting import Outcomes, count_rows
from kedge.streams.core.join_facts import CODE, LABEL_CHARS_MAX
from kedge.streams.core.join_state import JoinState
from kedge.streams.core.plan import Plan
from kedge.streams.core.tally_state import TallyState

__all__ = ["DAY_MS", "Label", "Labels", "label_horizon"]

DAY_MS: Final = 24 * 3_600_000


class Label(NamedTuple):
    """An outcome that carries version and time of its prediction, and the plan that acted then."""

    outcome: Mapping[str, Any]
    plan: Plan

    @property
    def day_end(self) -> int:
        """End of the day that the prediction lies in."""
        predicted_at: int = self.outcome["predicted_at"]
        return predicted_at - predicted_at % DAY_MS + DAY_MS

    @property
    def over_at(self) -> int:
        """Watermark at which nothing of that day is taken any more, of whatever kind."""
        return self.day_end + label_horizon(self.plan.monitor)

    @property
    def id(self) -> int:
        """What a repeated one is known by."""
        return id_hash(f"{self.outcome['kind']}\0{self.outcome['request_id']}")


class Labels:
    """One partition's labels: `take`, `count` once a chunk, then `expire`."""

    def __init__(self, tally: TallyState, state: JoinState) -> None:
        self._tally = tally
        self._state = state
        self._waiting = defaultdict[tuple[str, int, str, str, Plan], list[Label]](list)
        self._doubtful = False

    def is_late(self, label: Label) -> bool:
        """Return whether labels of its day are taken no more."""
        horizon = label.plan.monitor.outcomes[label.outcome["kind"]].label_horizon_ms or 0
        return self._tally.watermark(label.outcome["model"]) >= label.day_end + horizon

    def is_known(self, label: Label) -> bool:
        """Return whether it has come before."""
        return self._state.labels.knows(label.outcome["model"], label.id)

    def remember(self, label: Label) -> None:
        """Know it again when it comes again."""
        place = (label.outcome["model"], label.over_at)
        self._doubtful |= self._state.labels.full
        self._state.label_ids.add(place)
        self._state.labels.keep(*place, label.id)

    def take(self, label: Label) -> None:
        """Count it with the next chunk."""
        self.remember(label)
        outcome = label.outcome
        day = (outcome["model"], label.day_end)
        self._state.label_days[day] = max(label.over_at, self._state.label_days.get(day, 0))
        self._waiting[*day, outcome["kind"], outcome["version"], label.plan].append(label)

    def count(self) -> None:
        """Count everything that was taken."""
        for (model, day_end, kind, version, plan), labels in self._waiting.items():
            outcomes = [label.outcome for label in labels]
            rows = Outcomes(
                answering=self._state.answering(version, Role.PRIMARY.value, plan),
                kind=kind,
                observed=[outcome["observed"] for outcome in outcomes],
                scores=[np.nan if outcome["score"] is None else outcome["score"] for outcome in outcomes],
                labels=[outcome["label"] and outcome["label"][:LABEL_CHARS_MAX] for outcome in outcomes],
                codes=np.array([_codes(plan, outcome["segment"]) for outcome in outcomes], CODE),
            )
            for segment, counts in count_rows(rows):
                names = (JoinKind.LABEL.value, kind, model, version, "", Role.PRIMARY.value, segment)
                cell = self._state.cells.add(
                    JoinKey(*names, *plan.hashes, day_end - DAY_MS), DAY_MS, counts.size, counts
                )
                cell.flags |= DUPLICATES_POSSIBLE * self._doubtful
        self._waiting.clear()
        self._doubtful = False

    def expire(self, partial_of: Callable[[JoinKey, JoinCell], bytes]) -> None:
        """Drop the days that take no more labels; `partial_of` makes their cells' last words."""
        days = self._state.label_days
        for model, day_end in [day for day, over_at in days.items() if self._tally.watermark(day[0]) >= over_at]:
            del days[model, day_end]
            self._state.cells.drop(model, day_end - DAY_MS, partial_of, labels=True)
        for place in [place for place in self._state.label_ids if self._tally.watermark(place[0]) >= place[1]]:
            self._state.label_ids.discard(place)
            self._state.labels.expire_pane(*place)
            self._state.gone_labels.append(place)


def label_horizon(monitor: MonitorSpec) -> int:
    """Return how long a monitor takes labels of any kind."""
    return max((spec.label_horizon_ms or 0 for spec in monitor.outcomes.values()), default=0)


def _codes(plan: Plan, segment: Mapping[str, str]) -> list[int]:
    """Code of each segment key's value; one past the list for any other."""
    codes = []
    for key, values in plan.segments.items():
        value = segment.get(key)
        codes.append(values.index(value) if value in values else len(values))
    return codes
