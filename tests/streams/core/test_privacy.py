"""What one person sent leaves in no form: planted values are searched in every byte that comes out."""

import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import pytest

from kedge.schemas.records import Alert, DeadLetter, Prediction, Report
from kedge.schemas.report_json import alert_to_json, dead_letter_to_json, report_to_json
from tests.streams.core.made import CODEC, MINUTE, NOON, Chain, outputs, single, tally
from tests.streams.core.made import Log as PredictionLog

MAIL: Final = "jane.doe@example.com"
CARD: Final = 4_111_111_111_111_111
NAME: Final = "Wilhelmina Featherstonehaugh"
PLANTED: Final = (MAIL.encode(), str(CARD).encode(), NAME.encode(), struct.pack("<d", CARD), b"Featherstone", b"jane")
MONITOR: Final = (
    "windows: {pane: 60s, length: 1m, hop: 1m, grace: 0, lateness: 5m}\n"
    "segments: {region: [eu]}\n"
    "policy: {breaches: 1, windows: 1, n_eff_min: 20}\n"
    "features:\n"
    "  age: {range: [0, 120], cardinality_max: 5}\n"
    "  city: {type: categorical, allowed: [london], cardinality_max: 2}\n"
)


def planted(i: int, timestamp: int) -> Prediction:
    """An event that hides something personal wherever a sender can put it."""
    return single(
        f"{MAIL}-{i}",
        timestamp,
        request_id=f"{NAME}-{i}",
        segment={"region": MAIL, NAME: "x"},
        features={"age": float(CARD), "city": NAME, MAIL: NAME, "card": CARD},
        label=MAIL,
        class_scores={NAME: 0.5},
        error=NAME,
    )


def ordinary(i: int, timestamp: int) -> Prediction:
    return single(f"o{i}", timestamp, features={"age": 40.0 + i % 7, "city": "paris"}, segment={"region": "eu"})


@pytest.fixture(scope="module")
def chain() -> Chain:
    made = Chain(MONITOR)
    for minute in range(4):
        start = NOON + minute * MINUTE
        events: list[object] = [ordinary(1_000 * minute + i, start + 100 * i) for i in range(300)]
        events += [planted(100 * minute + i, start + i) for i in range(19)]
        made.send(*events, f"broken payload of {NAME} {MAIL} {CARD}".encode())
    made.send(single("end", NOON + 10 * MINUTE))
    return made


def test_no_topic_and_no_state_holds_a_planted_value(chain: Chain) -> None:
    assert {w.topic for w in chain.written} == {
        "state", "partials", "reports", "alerts", "control", "journal", "dead_letters",
    }  # fmt: skip
    for write in chain.written:
        for secret in PLANTED:
            assert secret not in write.key, write.topic
            assert secret not in (write.value or b""), write.topic


def test_no_json_view_holds_a_planted_value(chain: Chain) -> None:
    texts = "\n".join(_views(chain))
    assert "city" in texts
    for secret in (MAIL, str(CARD), NAME, f"{float(CARD)}"):
        assert secret not in texts


def _views(chain: Chain) -> Iterator[str]:
    for write in chain.written:
        match write.topic:
            case "reports":
                yield str(report_to_json(CODEC.decode(write.value or b"", Report)))
            case "alerts":
                yield str(alert_to_json(CODEC.decode(write.value or b"", Alert)))
            case "dead_letters":
                yield str(dead_letter_to_json(CODEC.decode(write.value or b"", DeadLetter)))


def unseen_names(count: int, disclose: str) -> set[str]:
    """What a window says of a category that came so often."""
    made = Chain(
        "windows: {pane: 60s, length: 1m, hop: 1m, grace: 0, lateness: 5m}\n"
        f"features: {{city: {{type: categorical, disclose: {disclose}}}}}\n"
    )
    events = [single(f"e{i}", NOON + i, features={"city": "atlantis", "age": 40.0}) for i in range(count)]
    sent = made.send(*events, single("end", NOON + 5 * MINUTE))
    findings = [f for r in sent if isinstance(r, Report) for f in r.findings]
    return {u.name for f in findings for u in f.unseen_categories}


@pytest.mark.parametrize(
    ("count", "disclose", "named"),
    [
        (19, "frequent", set()),
        (20, "frequent", {"atlantis"}),
        (20, "counts", set()),
        (1, "values", {"atlantis"}),
    ],
)
def test_an_unseen_category_is_named_by_its_disclosure_rule(count: int, disclose: str, named: set[str]) -> None:
    assert unseen_names(count, disclose) == named


def test_the_count_of_an_unseen_category_survives_checkpoints_and_batches() -> None:
    core, log = tally(), PredictionLog()
    checkpoint = None
    for first, second in pairwise(range(0, 40, 10)):
        events = [single(f"e{i}", NOON, features={"city": "atlantis"}) for i in range(first, second)]
        core.fold([log.append(event) for event in events], NOON)
        checkpoint = core.snapshot(NOON)
    partials = [p for p in outputs(checkpoint, "partials") if hasattr(p, "unseen")]
    assert [[(u.count, u.name) for u in p.unseen] for p in partials] == [[(30, "atlantis")]]


def test_payloads_are_kept_only_where_asked_for() -> None:
    for keep, payload in ((False, None), (True, b"garbage")):
        core = tally(keep_payloads=keep)
        core.fold([PredictionLog().append(b"garbage")], NOON)
        kept = outputs(core.snapshot(NOON), "dead_letters")
        assert [letter.payload for letter in kept if isinstance(letter, DeadLetter)] == [payload]
