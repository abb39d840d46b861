"""What must hold of joined counts when a run is over."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from kedge.detectors.outcomes import OutcomeKind, OutcomeLayout
from kedge.detectors.pairs import PairLayout
from kedge.schemas.packed import unpack_signed
from kedge.schemas.records import JoinKind, JoinPartial, Partial, Progress
from tests.simulation.deployment import CODEC, hashes_of
from tests.simulation.join_recount import JoinPlace
from tests.simulation.log import Log
from tests.simulation.recount import Recount
from tests.simulation.setting import watched_at

PAIR_SLOTS: Final[Mapping[str, int]] = {
    "candidates": PairLayout.candidates,
    "controls": PairLayout.controls,
    "unmatched_candidate": PairLayout.unmatched_candidate,
    "unmatched_control": PairLayout.unmatched_control,
    "pairs": PairLayout.pairs,
    "disagreements": PairLayout.disagreements,
}
CLICKS: Final = OutcomeLayout(OutcomeKind.BINARY)


def check_joins(log: Log, expected: Recount) -> Iterator[str]:
    """The last word of every source on every joined cell equals the recount."""
    last: dict[tuple[int, JoinPlace], JoinPartial] = {}
    for entry in log.entries("partials"):
        partial = CODEC.decode(entry.value or b"", (Partial, JoinPartial, Progress))
        if isinstance(partial, JoinPartial):
            names = (partial.model, partial.version, partial.control, partial.role.value, partial.segment)
            last[partial.source, JoinPlace(partial.kind.value, *names, partial.pane_start)] = partial
    for place in sorted(last.keys() | expected.joins.keys()):
        wanted = expected.joins.get(place, Counter())
        if place not in last:
            yield f"{place}: {dict(wanted)}, never counted"
            continue
        partial = last[place]
        watched = watched_at(partial.model, partial.pane_start)
        if watched is None or (partial.monitor, partial.baseline) != hashes_of(watched):
            yield f"{place}: counted by another plan than the one that acts at its time"
        found = _found(partial)
        exact = {slot: number for slot, number in wanted.items() if not slot.endswith(("at least", "at most"))}
        if {slot: number for slot, number in found.items() if slot not in _CLICKED} != exact:
            yield f"{place}: {found}, the recount says {dict(wanted)}"
        for slot in _CLICKED:
            if not wanted[f"{slot} at least"] <= found.get(slot, 0) <= wanted[f"{slot} at most"]:
                yield f"{place}: {found}, the recount says {dict(wanted)}"


_CLICKED: Final = ("clicks", "no clicks")


def _found(partial: JoinPartial) -> dict[str, int]:
    counts = unpack_signed(partial.counts, partial.bins)
    if partial.kind is JoinKind.PAIR:
        slots = {name: int(counts[place]) for name, place in PAIR_SLOTS.items()}
    else:
        observed = counts[CLICKS.confusion].reshape(CLICKS.outcomes, CLICKS.labels).sum(axis=1)
        slots = {"predictions": int(counts[CLICKS.predictions])}
        slots |= {"no clicks": int(observed[0]), "clicks": int(observed[1])}
    return {slot: number for slot, number in slots.items() if number}


def check_outcome_fates(fates: Counter[str], expected: Recount) -> Iterator[str]:
    """Every outcome has one fate; where the logs say which, it is that."""
    found = {name.removeprefix("outcome_"): rows for name, rows in fates.items() if name.startswith("outcome_")}
    wanted = expected.outcome_fates
    if sum(found.values()) != 2 * wanted["received"]:
        yield f"outcomes {found} do not add up to the received"
    for fate in ("received", "refused", "unmonitored", "quarantined", "unexpected"):
        if found.get(fate, 0) != wanted[fate]:
            yield f"outcomes {found}, the recount says {dict(wanted)}"
    if min(found.values(), default=0) < 0:
        yield f"outcomes {found}: less than none"
