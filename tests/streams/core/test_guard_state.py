"""The guard's state: a record a stream beside one a model, nothing encoded that has not changed, nothing that grows."""

from collections import Counter
from dataclasses import replace

from kedge.schemas.codec import MESSAGE_BYTES_MAX, Codec
from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.records import DeadLetter, HarmKind, OutcomeSection, Verdict
from kedge.streams.core.guard import FUTURE_MS_MAX, Guard
from kedge.streams.core.guarding.history import DAY_MS, HELD_MS
from kedge.streams.core.guarding.incident import VERSIONS_MAX
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.orders import RESEND_MS_MAX, resend
from kedge.streams.core.guarding.readings import ToldReadings
from kedge.streams.core.guarding.state_records import MODEL, STREAM, restored
from kedge.streams.core.guarding.turn import Turn
from tests.streams.core.made import config
from tests.streams.core.made_guard import ARMED, CODEC, LENGTH, Desk, finding, harm, routed
from tests.support.means import guard_means

FEATURES = 500
SEGMENTS = [f"key{key}=value{value}" for key in range(4) for value in range(20)]
_VALUES = ", ".join(f"value{value}" for value in range(20))
_KEYS = ", ".join(f"key{key}: [{_VALUES}]" for key in range(4))
WIDE = f"segments: {{{_KEYS}}}\npolicy: {{breaches: 1, windows: 1}}\n"


class Sends(int):
    """How often a command was sent; nothing is raised to its power."""

    def __rpow__(self, base: int, modulo: int | None = None) -> int:  # type: ignore[misc] # which is the point
        raise AssertionError(base, modulo)


class Counting(Codec):
    """Counts what it encodes, by record."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded = Counter[str]()

    def encode(self, record: object) -> bytes:
        self.encoded[type(record).__name__] += 1
        return super().encode(record)


def kept(desk: Desk) -> dict[bytes, bytes]:
    """The state topic as compaction leaves it."""
    newest = {write.key: write.value for write in desk.state}
    return {key: value for key, value in newest.items() if value is not None}


def read_back(desk: Desk) -> str:
    """The digest of the state that a guard finds that takes over now."""
    state = kept(desk)
    streams = [value for key, value in state.items() if key.startswith(STREAM)]
    return restored(CODEC, state[MODEL + b"m"], streams).digest.hex()


def test_an_input_encodes_the_stream_that_it_touches_and_no_other() -> None:
    desk, codec = Desk(), Counting()
    desk.guard = Guard(config(), desk.catalog, codec, guard_means())
    desk.minute(*(desk.report(segment=segment) for segment in SEGMENTS))
    codec.encoded.clear()
    before = len(desk.state)
    desk.minute(desk.report(segment=SEGMENTS[7]))
    assert codec.encoded == {"GuardModel": 1, "GuardStream": 1, "Journal": 1, "Position": 1}
    stream = b'stream["m","v1","PRIMARY","key0=value7"]'
    assert [write.key for write in desk.state[before:]] == [b"modelm", stream, b"position"]
    codec.encoded.clear()
    desk.tell("acks", desk.heartbeat("v1"))
    assert codec.encoded == {"GuardModel": 1, "Journal": 1, "Position": 1}


def test_forty_thousand_tracks_in_one_incident_are_small_records_and_come_back_the_same() -> None:
    desk = Desk(ARMED + WIDE)
    found = tuple(finding(Verdict.DRIFTED, signal=f"feature_{number:03}") for number in range(FEATURES))
    desk.minute(*(desk.drifted(segment=segment, findings=found) for segment in SEGMENTS))
    signals = [signal for stream in desk.streams for signal in stream.signals]
    assert len(signals) == 40_000
    assert all(signal.held for signal in signals)
    assert max(len(value) for value in kept(desk).values()) < MESSAGE_BYTES_MAX / 16
    assert read_back(desk) == desk.journal[-1].state_digest


def test_the_digest_follows_from_the_state_and_not_from_the_order_that_led_to_it() -> None:
    digests = []
    for segments in (SEGMENTS, SEGMENTS[::-1]):
        desk = Desk()
        desk.minute(*(desk.report(segment=segment) for segment in segments))
        digests.append(desk.journal[-1].state_digest)
        assert len({entry.state_digest for entry in desk.journal}) == len(desk.journal)
        assert read_back(desk) == digests[-1]
    assert digests[0] == digests[1]


def test_a_stream_that_is_silent_for_long_leaves_a_tombstone() -> None:
    desk = Desk()
    desk.calm("v1", "v2")
    assert {stream.version for stream in desk.streams} == {"v1", "v2"}
    desk.window += 2 * DAY_MS
    desk.calm("v1")
    assert {stream.version for stream in desk.streams} == {"v1"}
    assert read_back(desk) == desk.journal[-1].state_digest
    desk.crash()
    desk.tell("acks", desk.heartbeat("v1"))
    assert desk.recounted() == []


def test_a_window_in_which_nothing_was_judged_leaves_nothing_of_a_stream() -> None:
    desk = Desk()
    nothing = {"verdict": Verdict.INSUFFICIENT, "findings": (finding(Verdict.INSUFFICIENT),)}
    desk.minute(desk.report("v1", **nothing))
    assert [write.key for write in desk.state] == [b"modelm", b"position"]


def test_an_incident_lets_go_of_what_was_silent_for_a_week() -> None:
    desk = Desk()

    def breach(*versions: str) -> set[str]:
        for _ in range(2):
            desk.minute(*(desk.drifted(version) for version in versions))
        return {stream.version for stream in desk.streams if any(signal.held for signal in stream.signals)}

    assert breach("v1", "v2") == {"v1", "v2"}
    desk.window += HELD_MS - DAY_MS
    assert breach("v1") == {"v1", "v2"}
    desk.window += 2 * DAY_MS
    assert breach("v1") == {"v1"}
    assert desk.standing.incident is not None
    assert desk.recounted() == []


def test_an_incident_keeps_the_harms_and_vetoes_of_so_many_versions_and_no_more() -> None:
    desk = Desk()
    desk.calm()
    desk.calm()
    versions = [f"w{number:02}" for number in range(VERSIONS_MAX + 8)]
    for version in versions:
        desk.minute(desk.report("v1"), desk.version_report(version=version, largest_sender_share=0.9))
    incident = desk.standing.incident
    assert incident is not None
    assert [noted.version for noted in incident.harms] == versions[8:]
    assert {line.partition(" ")[2] for line in incident.told.splitlines()} == set(versions[8:])
    assert desk.recounted() == []


def test_a_window_from_the_future_is_a_dead_letter_and_hides_no_later_one() -> None:
    desk = Desk()
    desk.calm("v1")
    far = desk.window + FUTURE_MS_MAX + 2 * LENGTH
    desk.tell("reports", desk.report("v1", window_start=far, window_end=far + LENGTH))
    assert [letter.reason for letter in desk.all("dead_letters", DeadLetter)] == ["timestamp"]
    for _ in range(2):
        desk.minute(desk.drifted("v1"))
    assert [alert.event.value for alert in desk.alerts] == ["OPENED"]


def test_what_is_kept_of_outcomes_and_segments_is_bounded() -> None:
    desk = Desk()
    desk.calm()
    for number in range(300):
        measure = f"outcome{number}.positive_rate"
        told = {"segment": f"s={number:03}", "harms": (harm(HarmKind.OUTCOME, measure, verdict=Verdict.STABLE),)}
        desk.append("reports", desk.version_report(outcomes_due=True, verdict=Verdict.STABLE, **told))
        section = _outcome(f"outcome{number}")
        whole = desk.version_report(outcomes_due=True, verdict=Verdict.STABLE, harms=(), outcomes=(section,))
        desk.append("reports", replace(whole, window_start=desk.window, window_end=desk.window + LENGTH))
    desk.tell("reports")
    standing = next(standing for standing in desk.standing.standings if standing.version == "v2")
    assert len(standing.changes) == 256
    assert len(desk.standing.kpis) == 32


def test_a_command_that_was_sent_ever_so_often_is_sent_again_after_the_longest_wait() -> None:
    desk = Desk()
    desk.calm()
    routed(desk.harmed())
    order = desk.standing.order
    assert order is not None
    turn = Turn(
        environment="test",
        model=ModelState("m", 0, order=replace(order, sends=Sends(1 << 40))),
        monitor=MonitorSpec(model="m", owner="me"),
        monitor_hash="",
        now_ms=desk.now,
        digest="",
        readings=ToldReadings(()),
    )
    resend(turn)
    assert turn.model.order is not None
    assert turn.model.order.resend_at == desk.now + RESEND_MS_MAX


def test_a_marker_that_was_taken_for_a_record_holds_nothing_back_once_it_is_known_for_one() -> None:
    desk = Desk()
    desk.calm()
    desk.ends["overrides"] = 1
    desk.harmed()
    desk.round(1_000)
    assert desk.standing.order is not None
    assert desk.standing.order.staged
    desk.ends["overrides"] = 0
    assert routed(desk.round(1_000)).target_version == "v1"


def _outcome(name: str) -> OutcomeSection:
    return OutcomeSection(outcome=name, n=10, predictions=10, coverage=1.0, mature=True, confusion=())
