"""Anything may happen to a guard, in any order; these are the invariants of its specification, checked after each step.

A Hypothesis state machine tells one `Desk` random windows, overrides, answers, garbage and time, and crashes it between
checkpoints. What is checked is what was written: the journal, the control topic and the state.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kedge.schemas.records import (
    Ack,
    AckResult,
    Action,
    Command,
    GuardModel,
    GuardStream,
    Journal,
    OverrideAction,
    Report,
    Role,
    Verdict,
    VersionReport,
)
from kedge.streams.core.guarding.states import State
from tests.streams.core.made_guard import ARMED, CODEC, LENGTH, Desk, harm

BREACHES: Final = 2
WINDOWS: Final = 3
_HOLDS: Final = (OverrideAction.PIN, OverrideAction.SUPPRESS, OverrideAction.DISARM)
_ENDS: Final = ("command_acked", "command_nacked", "command_expired", "command_superseded")


class GuardMachine(RuleBasedStateMachine):
    """One desk and what its records say so far."""

    desk: Desk

    @initialize(named=st.booleans(), resume=st.sampled_from(("off", "armed")))
    def open_the_desk(self, named: bool, resume: str) -> None:  # noqa: FBT001 - drawn
        actuators = "[router-1, router-2]" if named else "[]"
        text = ARMED.replace("expires_after: 10m", f"expires_after: 10m, actuators: {actuators}")
        text = text.replace("actions: {", f"actions: {{resume_rollout: {{mode: {resume}}}, ")
        self.desk = Desk(text)
        self.seen = 0
        self.sound = True
        self.entries: list[Journal] = []
        self.sent: dict[str, bytes] = {}
        self.first: list[Command] = []
        self.open_incident: str | None = None
        self.sends = self.ends = 0
        self.failed = False
        self.staged_at: dict[str, int] = {}
        self.drifts: dict[tuple[str, str], set[int]] = {}
        self.baseline = "b1"
        self.desk.calm()
        self.desk.calm()

    # -- what may happen ---------------------------------------------------------------------------------------------

    @rule()
    def a_calm_window(self) -> None:
        self.desk.minute(*(self._under(r) for r in (self.desk.report("v1"), self.desk.report("v2", role=Role.CANARY))))

    @rule(version=st.sampled_from(("v1", "v2")), segment=st.sampled_from(("", "region=eu")))
    def a_drifted_window(self, version: str, segment: str) -> None:
        role = Role.PRIMARY if version == "v1" else Role.CANARY
        report = self._under(self.desk.drifted(version, role=role, segment=segment))
        self.drifts.setdefault((version, report.baseline), set()).add(report.window_start)
        self.desk.minute(report)

    @rule()
    def a_window_without_data(self) -> None:
        before = _windows(self.desk.streams)
        nothing = {"verdict": Verdict.INSUFFICIENT, "findings": (), "requests": 0, "n": 0, "n_eff": 0.0}
        self.desk.minute(self._under(self.desk.report("v1", **nothing)), self._harmless())
        assert _windows(self.desk.streams) == before, "a window without data moved a counter"

    @rule(sender=st.sampled_from((0.3, 0.9)))
    def a_harmful_window(self, sender: float) -> None:
        before = len(self.desk.journal)
        self.desk.harmed(largest_sender_share=sender)
        # A window in which an incident ended belongs to that one.
        ended = any("resolve_incident" in entry.decision for entry in self.desk.journal[before:])
        looked = ended or self.desk.standing.incident is not None
        assert looked, f"harm is not looked at in {self.desk.standing.state}"

    @rule()
    def a_drifted_window_is_amended(self) -> None:
        at = self.desk.window - LENGTH
        amended = self.desk.report("v1", revision=1, window_start=at, window_end=at + LENGTH)
        self.desk.tell("reports", self._under(amended))

    @rule()
    def drift_goes_on_under_another_baseline(self) -> None:
        self.a_drifted_window("v1", "")
        self.baseline = f"b{int(self.baseline[1:]) + 1}"
        self.a_drifted_window("v1", "")

    @rule()
    def it_is_silent_for_a_while(self) -> None:
        self.desk.round(5 * LENGTH)
        self.desk.window = self.desk.now - self.desk.now % LENGTH
        self.a_calm_window()

    @rule(action=st.sampled_from((*_HOLDS, OverrideAction.RELEASE, OverrideAction.DRILL)), read=st.booleans())
    def a_person_speaks(self, action: OverrideAction, read: bool) -> None:  # noqa: FBT001 - drawn
        self.desk.append("overrides", self.desk.override(action, target_version="v1"))
        if read:
            self.desk.tell("overrides")
        else:
            self.desk.round()

    @rule(forced=st.sampled_from((Action.ROUTE_TO_SAFE_PATH, Action.FREEZE_ROLLOUT, Action.CANCEL)))
    def a_person_forces(self, forced: Action) -> None:
        self.desk.tell("overrides", self.desk.override(OverrideAction.FORCE, forced=forced, target_version="v1"))

    @rule()
    def somebody_forges(self) -> None:
        forged = replace(self.desk.override(OverrideAction.RELEASE), signature=b"forged")
        self.desk.tell("overrides", forged, b"garbage")

    @precondition(lambda self: self.first)
    @rule(
        back=st.integers(0, 3),
        result=st.sampled_from((AckResult.ACKED, AckResult.ACKED, AckResult.NACKED)),
        who=st.sampled_from(("router-1", "router-2")),
    )
    def a_router_answers(self, back: int, result: AckResult, who: str) -> None:
        command = self.first[-1 - back] if back < len(self.first) else self.first[-1]
        self.desk.tell("acks", self.desk.ack(command, result, actuator_id=who))

    @rule(calm=st.integers(4, 9))
    def a_rollback_goes_well(self, calm: int) -> None:
        self.desk.harmed()
        for _ in range(2):  # the freeze follows the rollback
            order = self.desk.standing.order
            if order is not None and not order.staged:
                for who in ("router-1", "router-2"):
                    self.desk.tell("acks", self.desk.ack(order.command, actuator_id=who))
        for _ in range(calm):
            self.desk.calm("v1")
        self.time_passes(1_000)

    @rule()
    def a_router_lives(self) -> None:
        unknown: Ack = self.desk.heartbeat("v1", command_id="nothing")
        self.desk.tell("acks", self.desk.heartbeat("v1"), unknown)

    @rule(passed_ms=st.sampled_from((1_000, 31_000, 4 * LENGTH, 11 * 60_000, 3_600_000, 25 * 3_600_000)))
    def time_passes(self, passed_ms: int) -> None:
        before = self.desk.standing.cooldown
        self.desk.round(passed_ms)
        assert self.desk.standing.cooldown == before, "time alone counted the cooldown down"

    @rule(harmful=st.booleans())
    def it_crashes_before_the_checkpoint(self, harmful: bool) -> None:  # noqa: FBT001 - drawn
        if harmful:
            self.desk.append("reports", self.desk.version_report())
            self.desk.window += LENGTH
        self.desk.read("reports")
        self.desk.guard.tick(self.desk.now)
        self.desk.guard.stand(self.desk.ends, self.desk.now)
        self.desk.crash()
        for source in ("reports", "acks"):
            self.desk.read(source)
        self.desk.round()

    def _under(self, report: Report) -> Report:
        return replace(report, baseline=self.baseline)

    def _harmless(self) -> VersionReport:
        return self.desk.version_report(
            harms=(harm(verdict=Verdict.INSUFFICIENT),), verdict=Verdict.INSUFFICIENT, n_eff=0.0
        )

    # -- what must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def what_was_written_keeps_every_rule(self) -> None:
        if not hasattr(self, "desk"):
            return
        self.sound = False
        for write in self.desk.written[self.seen :]:
            if write.topic == "journal":
                self._entry(CODEC.decode(write.value or b"", Journal))
            elif write.topic == "control":
                self._command(write.value or b"")
        self.seen = len(self.desk.written)
        self._state(self.desk.standing)
        self.sound = True

    def _entry(self, entry: Journal) -> None:
        steps = entry.decision.split("+")
        assert entry.sequence == len(self.entries) + 1, "the journal has a gap, or an entry twice"
        self._incidents(entry, steps)
        self._orders(entry, steps)
        self.entries.append(entry)

    def _incidents(self, entry: Journal, steps: list[str]) -> None:
        if "open_incident" in steps:
            assert self.open_incident is None, "two incidents are open"
            self.open_incident = entry.incident or "told to nobody"
            if entry.input_topic == "reports" and entry.reason.startswith("drifted in"):
                self._drifted_long_enough(entry)
        if "resolve_incident" in steps:
            assert self.open_incident is not None, "an incident ended that was not open"
            self.open_incident = None

    def _drifted_long_enough(self, entry: Journal) -> None:
        value = self.desk.told[entry.input_topic, entry.input_offset]
        report = CODEC.decode(value, Report)
        drifted = self.drifts[report.version, report.baseline]
        last = max(drifted)
        among = {last - back * LENGTH for back in range(WINDOWS)}
        assert len(among & drifted) >= BREACHES, "windows of another baseline were counted"

    def _orders(self, entry: Journal, steps: list[str]) -> None:
        for step in steps:
            self.sends += step.startswith("send_")
            self.ends += step in _ENDS
            if step == "fail":
                self.failed = True
            if step == "override_release":
                self.failed = False
        assert self.sends - self.ends in (0, 1), "more than one command is open, or one ended twice"
        failed_before = self.failed and "fail" not in steps
        if entry.staged and failed_before:
            assert "override_force" in steps, "an action followed a failed one by itself"
        for command_id in entry.staged:
            self.staged_at[command_id] = self.desk.ends["overrides"]

    def _command(self, value: bytes) -> None:
        command = CODEC.decode(value, Command)
        assert self.sent.setdefault(command.command_id, value) == value, "a command was sent again in other bytes"
        if any(known.command_id == command.command_id for known in self.first):
            return
        assert all(command.sequence > known.sequence for known in self.first), "the sequence does not grow"
        if command.action is not Action.CANCEL:
            read = self.desk.folded["overrides"]
            assert read >= self.staged_at[command.command_id], "it left before the overrides were read"
        self.first.append(command)

    def _state(self, state: GuardModel) -> None:
        ids = Counter(ended.command_id for ended in state.ended)
        assert max(ids.values(), default=0) <= 1, "a command ended twice"
        assert (state.incident is not None) == (self.open_incident is not None), "the state is not the journal's"
        assert State(state.state) in _possible(state), f"{state.state} does not follow from what is open"

    def teardown(self) -> None:
        """In the end everything has ended, and the journal decides itself again."""
        if not hasattr(self, "desk") or not self.sound:
            return
        self.desk.tell("overrides")
        for _ in range(3):
            self.desk.round(25 * 3_600_000)
        self.what_was_written_keeps_every_rule()
        order = self.desk.standing.order
        assert order is None or order.command.issued_at > self.desk.now - 25 * 3_600_000, "a command never ended"
        inputs = [
            (e.input_topic, e.input_offset) for e in self.entries if e.input_offset >= 0 and e.input_topic != "stand"
        ]
        assert len(inputs) == len(set(inputs)), "an input stands in the journal twice"
        mismatches = self.desk.recounted()
        assert mismatches == [], f"the journal does not decide itself again: {mismatches[:3]}"


def _windows(streams: Iterable[GuardStream]) -> dict[tuple[str, ...], tuple[int, ...]]:
    return {
        (s.version, s.role.value, s.segment, h.kind, h.signal): tuple(
            start for start, letter in zip(s.windows, h.verdicts, strict=True) if letter != "."
        )
        for s in streams
        for h in s.signals
    }


def _possible(state: GuardModel) -> set[State]:
    """Where a model may stand, told from what is open and not from the table."""
    order = state.order
    routed = order is not None and order.command.action is Action.ROUTE_TO_SAFE_PATH and not order.command.drill
    if state.holds:
        return {State.HUMAN_HOLD}
    if state.failed is not None:
        return {State.FAILED_ACTION}
    if routed:
        return {State.AWAIT_ACK}
    if state.incident is not None:
        return {State.CONTAINED if state.incident.contained else State.INCIDENT}
    if state.cooldown:
        return {State.COOLDOWN}
    if state.blind is not None:
        return {State.DEGRADED_SENSING, State.WARMUP}
    return {State.WARMUP, State.HEALTHY, State.SUSPECT}
