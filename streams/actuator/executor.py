"""One command after the other, from the bytes in the log to its ack: the order in which things become durable.

Intent, then the router, then the result, then the ack: a process that dies between any two of them is started again
and finds out from the store and the router what it had done.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from kedge.schemas.codec import Codec
from kedge.schemas.errors import UndecodableError
from kedge.schemas.records import Ack, AckResult, Action, Command
from kedge.schemas.signing import signed_bytes
from kedge.streams import events
from kedge.streams.actuator import rules
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.router import ConflictError, HungError, Rollout, Router, guarded
from kedge.streams.actuator.rules import Act, Duty, Entry, Known, Reason, Result
from kedge.streams.actuator.store import Store
from kedge.streams.core.trusting import Verifier

__all__ = ["LOG", "Cancelled", "Executor", "Read", "Setting", "ack_of", "supported"]

LOG: Final = logging.getLogger("kedge.actuator")

Begun: TypeAlias = rules.Attempt | rules.Recover | rules.Examine

Cancelled: TypeAlias = frozenset[tuple[str, str]]
"""Model and id of commands: a CANCEL of one model's is none of another's."""

_ROLLOUT: Final = frozenset((Action.FREEZE_ROLLOUT, Action.RESUME_ROLLOUT))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What an executor works with."""

    actuator_id: str
    duty: Duty
    routers: Mapping[str, Router]
    """By model."""
    verifier: Verifier
    clock: Callable[[], int]
    """Milliseconds since 1970-01-01 UTC."""
    timeout_s: float
    """How long a router's call may take, seconds."""


@dataclass(frozen=True, slots=True)
class Read:
    """A command of the log; `trusted`: a key that counts signed it."""

    command: Command
    trusted: bool


def supported(router: Router) -> frozenset[Action]:
    """Return what a router can do."""
    return rules.SWITCHES | _ROLLOUT if isinstance(router, Rollout) else rules.SWITCHES


class Executor:
    """Obeys commands, each once."""

    def __init__(self, store: Store, setting: Setting, codec: Codec) -> None:
        self._store, self._setting, self._codec = store, setting, codec

    def read(self, message: bytes) -> Read | None:
        """Return the command in a message; None: there is none, which the log tells."""
        try:
            command = self._codec.decode(message, Command)
        except UndecodableError as error:
            words = f"a record of control is no command and is left out: {error}"
            events.COMMAND_UNREADABLE.tell(LOG, words, reason=error.reason)
            return None
        trusted = self._setting.verifier.accepts(command.key_id, signed_bytes(command), command.signature)
        return Read(command, trusted)

    @staticmethod
    def cancelled(batch: Iterable[Read]) -> Cancelled:
        """Return what commands of the batch cancel, wherever in it they stand."""
        cancels = (read.command for read in batch if read.trusted and read.command.action is Action.CANCEL)
        return frozenset((command.model, command.cancels) for command in cancels)

    def handle(self, read: Read, *, before: bool, cancelled: Cancelled) -> Ack | None:
        """Do what there is to do about a command; return its ack once that is durable, None where there is none.

        `before`: it was appended before the store was begun. `cancelled`: what a CANCEL further on names.

        Raises:
            HungError: the router did not come back; this executor must not be used any more.
        """
        command, store = read.command, self._store
        known = replace(store.known(command), before=before, cancelled=(command.model, command.command_id) in cancelled)
        match rules.decide(command, known, self._setting.duty, trusted=read.trusted, now_ms=self._setting.clock()):
            case rules.Ignore(why):
                if not read.trusted:  # what is for others is not worth a line
                    words = f"{_name(command)} is ignored: {why}"
                    events.COMMAND_IGNORED.tell(LOG, words, **_fields(command), reason=why)
            case rules.Pass():
                store.pass_by(command)
            case rules.Remember():
                words = f"{_name(command)} is not obeyed: it was appended before this store was begun"
                events.COMMAND_OLD.tell(LOG, words, **_fields(command))
                store.remember(command)
            case rules.Answer(entry):
                return self._ack(command, entry)
            case Result() as result:
                return self._ended(command, result)
            case decision:
                return self._ended(command, self._obey(command, known, decision))
        return None

    def heartbeat(self, model: str) -> Ack:
        """Return the sign of life of a model's router.

        Raises:
            HungError: the router did not come back.
        """
        observed, fault = self._look(model)
        return Ack(
            command_id="",
            environment=self._setting.duty.environment,
            model=model,
            actuator_id=self._setting.actuator_id,
            result=AckResult.ACKED if fault is None else AckResult.NACKED,
            reason="" if fault is None else fault.value,
            observed_version=observed.version,
            sequence=0,
            timestamp=self._setting.clock(),
            standby=observed.standby,
        )

    def _obey(self, command: Command, known: Known, decision: rules.Attempt | rules.Recover | rules.Examine) -> Result:
        observed, fault = self._look(command.model)
        if fault is not None:
            # What was begun may have been done.
            begun = not isinstance(decision, rules.Attempt)
            return rules.conclude(command, observed, Reason.CONFLICT if begun else fault)
        plan = _plan(command, known, decision, observed, self._setting.clock())
        return self._act(command, plan, observed) if isinstance(plan, Act) else plan

    def _act(self, command: Command, act: Act, before: Observed) -> Result:
        self._store.intend(command, act.expected)
        try:
            stands = guarded(lambda: self._ask(command, act.expected), self._setting.timeout_s)
        except ConflictError as error:
            events.ROUTER_FAILED.tell(LOG, f"{_name(command)}: {error}", **_fields(command))
            return rules.conclude(command, self._after_fault(command, before), Reason.CONFLICT)
        except HungError:
            raise
        except Exception as error:  # noqa: BLE001 - a router may raise anything, and what it did is then observed
            events.ROUTER_FAILED.tell(LOG, f"{_name(command)}: the router failed: {error}", error, **_fields(command))
            return rules.conclude(command, self._after_fault(command, before), Reason.FAILED)
        return rules.conclude(command, self._look(command.model)[0] if stands is None else stands, None)

    def _after_fault(self, command: Command, before: Observed) -> Observed:
        """Look where the router stands; that it is frozen says nothing of this command if it was so before."""
        observed = self._look(command.model)[0]
        return replace(observed, frozen=None) if before.frozen and observed.frozen else observed

    def _ask(self, command: Command, expected: str) -> Observed | None:
        """On the router's thread: call it; None: it does not say where it stands then."""
        router = self._setting.routers[command.model]
        if command.action in rules.SWITCHES:
            return router.switch(command, expected)
        if isinstance(router, Rollout):  # always: the rules know what it supports
            (router.freeze if command.action is Action.FREEZE_ROLLOUT else router.resume)(command)
        return None

    def _look(self, model: str) -> tuple[Observed, Reason | None]:
        try:
            return guarded(self._setting.routers[model].observe, self._setting.timeout_s), None
        except HungError:
            raise
        except Exception as error:  # noqa: BLE001 - as in `_act`
            events.ROUTER_UNSEEN.tell(LOG, f"the router of {model} cannot be observed: {error}", error, model=model)
            return Observed(), Reason.FAILED

    def _ended(self, command: Command, result: Result) -> Ack:
        entry = self._store.settle(command, result, self._setting.clock())
        events.COMMAND_DONE.tell(
            LOG,
            f"{_name(command)}: {result.result.value} {result.reason}".rstrip(),
            **_fields(command),
            result=result.result.value,
            reason=result.reason,
        )
        return self._ack(command, entry)

    def _ack(self, command: Command, entry: Entry) -> Ack:
        return ack_of(command, entry, self._setting.actuator_id)


def ack_of(command: Command, entry: Entry, actuator_id: str) -> Ack:
    """Return the answer to a command that has its result."""
    result = entry.result
    if result is None:
        raise AssertionError("an entry that is done has its result")
    return Ack(
        command_id=command.command_id,
        environment=command.environment,
        model=command.model,
        actuator_id=actuator_id,
        result=result.result,
        reason=result.reason,
        observed_version=result.observed_version,
        sequence=command.sequence,
        timestamp=entry.timestamp,
        drill=command.drill,
    )


def _plan(command: Command, known: Known, decision: Begun, observed: Observed, now_ms: int) -> Act | Result:
    match decision:
        case rules.Attempt():
            return rules.approach(command, observed, now_ms)
        case rules.Recover():
            return rules.recover(command, known, observed, now_ms)
        case rules.Examine():
            return rules.examine(command, observed)


def _name(command: Command) -> str:
    drill = "drill " * command.drill
    return f"{drill}{command.action.value} {command.command_id[:12]} of {command.model!r} (sequence {command.sequence})"


def _fields(command: Command) -> dict[str, str | int | bool]:
    return {
        "model": command.model,
        "command_id": command.command_id,
        "action": command.action.value,
        "sequence": command.sequence,
        "incident": command.incident,
        "drill": command.drill,
    }
