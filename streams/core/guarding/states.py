"""The state machine of one model: one table, state by trigger to state, and the diagram drawn from it.

A trigger that the table does not have for a state is a fault of ours and stops the guard: no state is ever guessed.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = ["QUIET", "TRANSITIONS", "State", "Trigger", "after", "transition_diagram"]


class State(StrEnum):
    """Where a model stands."""

    WARMUP = "WARMUP"
    """Its monitor is known; no window was judged yet."""
    HEALTHY = "HEALTHY"
    """The last judged windows were calm."""
    SUSPECT = "SUSPECT"
    """A window breached; it has not lasted."""
    DEGRADED_SENSING = "DEGRADED_SENSING"
    """Nothing, or too little, is reported of a model that was live."""
    INCIDENT = "INCIDENT"
    """A breach has lasted, and is not over."""
    AWAIT_ACK = "AWAIT_ACK"
    """A rollback was decided; no router has answered for it yet."""
    CONTAINED = "CONTAINED"
    """The rollback was acknowledged, and the safe path has shown a healthy window."""
    COOLDOWN = "COOLDOWN"
    """The incident of a rollback is over; some windows are waited for."""
    HUMAN_HOLD = "HUMAN_HOLD"
    """A person holds automation."""
    FAILED_ACTION = "FAILED_ACTION"
    """An action failed, or did not help: people decide."""


class Trigger(StrEnum):
    """What moves a model."""

    CALM = "a judged window is calm"
    BREACH = "a judged window breaches"
    OPENED = "the breach has lasted"
    RESOLVED = "the incident is over"
    BLIND = "no, or too few, reports"
    SIGHT = "reports are back"
    ROUTED = "a rollback is decided"
    ENDED_CALM = "the command has ended, nothing is open"
    ENDED_INCIDENT = "acknowledged or withdrawn"
    CONTAINED = "the safe path is healthy"
    FAILED = "an action failed or did not help"
    COOLED = "the windows have passed"
    HELD = "a person holds"
    RELEASED_CALM = "released, nothing is open"
    RELEASED_BLIND = "released, and blind"
    RELEASED_INCIDENT = "released, an incident is open"
    RELEASED_ROUTED = "released, a command is out"
    RELEASED_CONTAINED = "released, contained"
    RELEASED_COOLING = "released, cooling"
    RELEASED_FAILED = "released, a failure stands"


_S, _T = State, Trigger

QUIET: Final = (_S.WARMUP, _S.HEALTHY, _S.SUSPECT, _S.DEGRADED_SENSING, _S.COOLDOWN)
"""Nothing is open in these."""

_STAYS: Final[Mapping[State, tuple[Trigger, ...]]] = {
    _S.WARMUP: (_T.BLIND, _T.SIGHT, _T.ENDED_CALM),
    _S.HEALTHY: (_T.CALM, _T.SIGHT, _T.ENDED_CALM),
    _S.SUSPECT: (_T.BREACH, _T.SIGHT, _T.ENDED_CALM),
    _S.DEGRADED_SENSING: (_T.CALM, _T.BREACH, _T.BLIND, _T.ENDED_CALM),
    _S.INCIDENT: (_T.CALM, _T.BREACH, _T.BLIND, _T.SIGHT, _T.ENDED_INCIDENT),
    _S.AWAIT_ACK: (_T.CALM, _T.BREACH, _T.BLIND, _T.SIGHT, _T.OPENED, _T.ROUTED),
    _S.CONTAINED: (_T.CALM, _T.BREACH, _T.BLIND, _T.SIGHT, _T.CONTAINED, _T.ENDED_INCIDENT),
    _S.COOLDOWN: (_T.CALM, _T.BREACH, _T.BLIND, _T.SIGHT, _T.ENDED_CALM),
    # People's word and a failure outlast whatever happens below them; it is still told, and kept.
    _S.HUMAN_HOLD: (
        *(_T.CALM, _T.BREACH, _T.BLIND, _T.SIGHT, _T.OPENED, _T.RESOLVED, _T.ROUTED, _T.CONTAINED, _T.FAILED),
        *(_T.ENDED_CALM, _T.ENDED_INCIDENT, _T.COOLED, _T.HELD),
    ),
    _S.FAILED_ACTION: (
        *(_T.CALM, _T.BREACH, _T.BLIND, _T.SIGHT, _T.OPENED, _T.RESOLVED, _T.ROUTED, _T.CONTAINED, _T.FAILED),
        *(_T.ENDED_CALM, _T.ENDED_INCIDENT, _T.COOLED),
    ),
}
"""Triggers that leave a state where it is."""

_RELEASES: Final[Mapping[Trigger, State]] = {
    _T.RELEASED_CALM: _S.HEALTHY,
    _T.RELEASED_BLIND: _S.DEGRADED_SENSING,
    _T.RELEASED_INCIDENT: _S.INCIDENT,
    _T.RELEASED_ROUTED: _S.AWAIT_ACK,
    _T.RELEASED_CONTAINED: _S.CONTAINED,
    _T.RELEASED_COOLING: _S.COOLDOWN,
}

_OPENS: Final = {_T.OPENED: _S.INCIDENT, _T.ROUTED: _S.AWAIT_ACK, _T.HELD: _S.HUMAN_HOLD, _T.FAILED: _S.FAILED_ACTION}

_MOVES: Final[Mapping[State, Mapping[Trigger, State]]] = {
    _S.WARMUP: {_T.CALM: _S.HEALTHY, _T.BREACH: _S.SUSPECT, **_OPENS},
    _S.HEALTHY: {_T.BREACH: _S.SUSPECT, _T.BLIND: _S.DEGRADED_SENSING, **_OPENS},
    _S.SUSPECT: {_T.CALM: _S.HEALTHY, _T.BLIND: _S.DEGRADED_SENSING, **_OPENS},
    _S.DEGRADED_SENSING: {_T.SIGHT: _S.HEALTHY, **_OPENS},
    _S.INCIDENT: {
        _T.RESOLVED: _S.HEALTHY,
        _T.ROUTED: _S.AWAIT_ACK,
        _T.CONTAINED: _S.CONTAINED,
        _T.FAILED: _S.FAILED_ACTION,
        _T.HELD: _S.HUMAN_HOLD,
    },
    _S.AWAIT_ACK: {
        _T.ENDED_CALM: _S.HEALTHY,
        _T.ENDED_INCIDENT: _S.INCIDENT,
        _T.FAILED: _S.FAILED_ACTION,
        _T.HELD: _S.HUMAN_HOLD,
    },
    _S.CONTAINED: {
        _T.RESOLVED: _S.COOLDOWN,
        _T.ROUTED: _S.AWAIT_ACK,
        _T.FAILED: _S.FAILED_ACTION,
        _T.HELD: _S.HUMAN_HOLD,
    },
    _S.COOLDOWN: {_T.COOLED: _S.HEALTHY, **_OPENS},
    _S.HUMAN_HOLD: {**_RELEASES, _T.RELEASED_FAILED: _S.FAILED_ACTION},
    _S.FAILED_ACTION: {**_RELEASES, _T.HELD: _S.HUMAN_HOLD},
}

TRANSITIONS: Final[Mapping[State, Mapping[Trigger, State]]] = MappingProxyType(
    {state: MappingProxyType({**dict.fromkeys(_STAYS[state], state), **_MOVES[state]}) for state in State}
)
"""Every trigger that a state knows."""


def after(state: State, trigger: Trigger) -> State:
    """Return the state after a trigger.

    Raises:
        AssertionError: the table does not have it.

    >>> after(State.INCIDENT, Trigger.ROUTED)
    <State.AWAIT_ACK: 'AWAIT_ACK'>
    """
    found = TRANSITIONS[state].get(trigger)
    if found is None:
        raise AssertionError(f"{state.value}: no transition for {trigger.name}")
    return found


def transition_diagram() -> str:
    """Return the table as a Mermaid diagram; triggers that change nothing are left out."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.WARMUP}: its monitor is known"]
    for state in State:
        by_target: dict[State, list[str]] = {}
        for trigger, target in TRANSITIONS[state].items():
            if target is not state:
                by_target.setdefault(target, []).append(trigger.value)
        lines += [f"    {state} --> {target}: {' / '.join(words)}" for target, words in by_target.items()]
    return "\n".join(["```mermaid", *lines, "```", ""])
