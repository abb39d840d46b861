"""What an actuator makes of a command: values in, a decision out. No clock, no file, no router.

The order of the rules matters. What is not for this actuator, or not signed by a key that counts, leaves no trace
and gets no answer. A command that was seen is answered with what became of it, before anything else is asked: it
must not look expired or overtaken only because it was sent again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from kedge.schemas.records import AckResult, Action, Command
from kedge.streams.actuator.observed import Observed

__all__ = [
    "SKEW_MS",
    "Act",
    "Answer",
    "Attempt",
    "Duty",
    "Entry",
    "Ignore",
    "Known",
    "Pass",
    "Reason",
    "Recover",
    "Remember",
    "Result",
    "Stage",
    "approach",
    "conclude",
    "decide",
    "examine",
    "recover",
]

SKEW_MS: Final = 30_000
"""How far the clocks of guard and actuator may be apart: refused from expires_at minus it; the guard gives a command
up at expires_at plus it."""

SWITCHES: Final = frozenset((Action.ROUTE_TO_SAFE_PATH,))


class Reason(StrEnum):
    """Why a command was not obeyed: the codes of `Ack.reason`."""

    EXPIRED = "expired"
    STALE_SEQUENCE = "stale_sequence"
    CONFLICT = "conflict"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNSUPPORTED = "unsupported"


class Stage(StrEnum):
    """How far a command has come."""

    PASSED = "passed"
    """It was appended before the store was begun: what became of it is not known."""
    INTENT = "intent"
    """The router may have been asked."""
    DONE = "done"
    """It has its result, for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What an actuator is there for.

    `supported` says by model what its router can do, `asked` what it must answer for.
    """

    environment: str
    supported: Mapping[str, frozenset[Action]]
    asked: frozenset[Action] | None = None
    """None: whatever the model's router supports; what it does not is others' business."""

    def concerns(self, command: Command) -> bool:
        """Whether the command's action is this actuator's business."""
        asked = self.supported[command.model] if self.asked is None else self.asked
        return command.action in asked or command.action is Action.CANCEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a command ended."""

    result: AckResult
    reason: str = ""
    observed_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the store knows of a command."""

    model: str
    stage: Stage
    generation: str = ""
    """INTENT: the router's, when it was asked."""
    result: Result | None = None
    """DONE: what it came to."""
    timestamp: int = 0
    """DONE: when, milliseconds since 1970-01-01 UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known when a command is read."""

    highest: int = -1
    """Of the model's sequences; -1: none yet."""
    entry: Entry | None = None
    """Of this very command."""
    cancelled_entry: Entry | None = None
    """Of the command that this one cancels."""
    cancelled: bool = False
    """A CANCEL of this command lies in the log already."""
    before: bool = False
    """It was appended before the store was begun."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Leave no trace; `why` is for the log."""

    why: str


@dataclass(frozen=True, slots=True)
class Pass:
    """Somebody else's business: only its sequence is remembered."""


@dataclass(frozen=True, slots=True)
class Remember:
    """It is older than the store: its id and sequence are remembered, nothing is done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """It has its result: send that again."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Attempt:
    """Observe the router, then `approach`."""


@dataclass(frozen=True, slots=True)
class Recover:
    """It was begun and not ended: observe the router, then `recover`."""


@dataclass(frozen=True, slots=True)
class Examine:
    """It may or may not have been obeyed before the store was lost: observe the router, then `examine`."""


@dataclass(frozen=True, slots=True)
class Act:
    """Ask the router, on the condition that it is still in this generation."""

    expected: str


Decision: TypeAlias = Ignore | Pass | Remember | Answer | Attempt | Recover | Examine | Result


def decide(command: Command, known: Known, duty: Duty, *, trusted: bool, now_ms: int) -> Decision:
    """Say what to do with a command that was read; `trusted`: a key that counts signed it."""
    why = _not_ours(command, duty, trusted=trusted)
    if why:
        return Ignore(why)
    if not duty.concerns(command):
        return Pass()
    if known.before:
        return Remember() if known.entry is None else Pass()
    return _again(known.entry) if known.entry is not None else _new(command, known, duty, now_ms)


def approach(command: Command, observed: Observed, now_ms: int) -> Act | Result:
    """Say whether to ask the router, once it is known where it stands."""
    # Until when a router is frozen is not observed: whoever renews a freeze says so to it.
    if _reached(command, observed) and command.action is not Action.FREEZE_ROLLOUT:
        return _acked(observed)
    if _expired(command, now_ms):  # observing takes time
        return _refused(Reason.EXPIRED, observed)
    if command.action in SWITCHES and _elsewhere(command, observed):
        return _refused(Reason.CONFLICT, observed)
    return Act(observed.generation)


def recover(command: Command, known: Known, observed: Observed, now_ms: int) -> Act | Result:
    """Say what became of a command that has an intent and no result.

    Only a router that is still in the intent's generation has certainly not been asked; a freeze may be asked twice.
    """
    if command.action is Action.FREEZE_ROLLOUT and not known.cancelled:
        return approach(command, observed, now_ms)
    if _reached(command, observed):
        return _acked(observed)
    entry = known.entry
    if entry is None or not observed.generation or observed.generation != entry.generation:
        return _refused(Reason.CONFLICT, observed)
    if known.cancelled:
        return _refused(Reason.CANCELLED, observed)
    return approach(command, observed, now_ms)


def examine(command: Command, observed: Observed) -> Result:
    """Say what to answer for a command older than the store: it is never obeyed."""
    return _acked(observed) if _reached(command, observed) else _refused(Reason.CONFLICT, observed)


def conclude(command: Command, observed: Observed, fault: Reason | None) -> Result:
    """Return how it ended: where the router stands after it came back or, with a `fault`, raised.

    After a fault only the router can say whether the command took effect.
    """
    if fault is not None:
        return _acked(observed) if _reached(command, observed) else _refused(fault, observed)
    # A drill changes nothing; a freeze is the router's word; and so is a switch where no version can be observed.
    takes_its_word = command.drill or command.action not in SWITCHES or not observed.version
    return _acked(observed) if takes_its_word or _reached(command, observed) else _refused(Reason.FAILED, observed)


def _not_ours(command: Command, duty: Duty, *, trusted: bool) -> str:
    if command.environment != duty.environment:
        return "it is of another environment"
    if command.model not in duty.supported:
        return "it is of another model"
    return "" if trusted else "its signature does not count"


def _new(command: Command, known: Known, duty: Duty, now_ms: int) -> Decision:
    if command.action is Action.CANCEL:
        return _cancel(command, known.cancelled_entry)
    reason = _refusal(command, known, duty, now_ms)
    return Attempt() if reason is None else _refused(reason)


def _again(entry: Entry) -> Decision:
    match entry.stage:
        case Stage.DONE:
            return Answer(entry)
        case Stage.INTENT:
            return Recover()
        case Stage.PASSED:
            return Examine()


def _cancel(command: Command, target: Entry | None) -> Decision:
    """A CANCEL follows what it cancels in the log: a command that left no trace here was not for this actuator."""
    if target is None or target.model != command.model:
        return Pass()
    undone = target.result is not None and target.result.result is AckResult.NACKED
    return Result(result=AckResult.ACKED) if undone else _refused(Reason.CONFLICT)


def _refusal(command: Command, known: Known, duty: Duty, now_ms: int) -> Reason | None:
    if command.action not in duty.supported[command.model]:
        return Reason.UNSUPPORTED
    if known.cancelled:
        return Reason.CANCELLED
    if _expired(command, now_ms):
        return Reason.EXPIRED
    return Reason.STALE_SEQUENCE if command.sequence < known.highest else None


def _expired(command: Command, now_ms: int) -> bool:
    return now_ms >= command.expires_at - SKEW_MS


def _reached(command: Command, observed: Observed) -> bool:
    """Whether the router stands where the command wants it."""
    match command.action:
        case Action.FREEZE_ROLLOUT:
            return observed.frozen is True
        case Action.RESUME_ROLLOUT:
            return observed.frozen is False
        case _:
            return bool(observed.version) and observed.version == command.target_version


def _elsewhere(command: Command, observed: Observed) -> bool:
    """Whether somebody has switched the router since the command was decided."""
    moved = bool(observed.version and command.from_version) and observed.version != command.from_version
    return moved or (observed.since is not None and observed.since > command.issued_at)


def _acked(observed: Observed) -> Result:
    return Result(result=AckResult.ACKED, observed_version=observed.version)


def _refused(reason: Reason, observed: Observed | None = None) -> Result:
    return Result(result=AckResult.NACKED, reason=reason.value, observed_version=observed.version if observed else "")
