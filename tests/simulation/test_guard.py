"""Whatever crashes, repeats or is said: an incident moves traffic once at most, and never for nothing.

A failing seed is run again by `KEDGE_SIM_SEED=<seed> pytest tests/simulation/test_guard.py`.
"""

from collections import Counter
from typing import Final

import pytest

from tests.simulation.guard_checks import read_journals
from tests.simulation.guard_mutations import GUARD_MUTATIONS
from tests.simulation.guard_world import GuardWorld
from tests.simulation.routing import moved
from tests.simulation.seeds import MUTATION_SEEDS, never_met, seeds
from tests.simulation.simulate_guard import simulate_guard

SEEDS: Final = 300

TROUBLES: Final = {
    *("killed", "moved", "zombie", "fenced", "leap", "produce: ABORT", "commit: REQUEST_LOST", "commit: ANSWER_LOST"),
    *("the actuator is killed", "the store is lost", "replayed", "redeployed by hand", "ack twice"),
    *("died between intent and switch", "died between switch and result", "died between result and ack"),
    *("PIN", "SUPPRESS", "RELEASE", "moved traffic", "veto_rollback", "resend", "withdraw", "fail", "contained"),
    *("command_acked", "command_nacked", "command_superseded"),
}


@pytest.mark.parametrize("seed", seeds(SEEDS))
def test_an_incident_of_a_seed_moves_traffic_once_at_most(seed: int) -> None:
    wrong = simulate_guard(seed)
    assert not wrong, f"KEDGE_SIM_SEED={seed} pytest tests/simulation/test_guard.py\n" + "\n".join(wrong)


@pytest.mark.parametrize("removed", GUARD_MUTATIONS)
def test_without_a_protection_some_seed_turns_red(removed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = GUARD_MUTATIONS[removed](monkeypatch)
    assert any(simulate_guard(seed, parts) for seed in range(MUTATION_SEEDS)), f"nothing is lost without {removed}"


def test_the_seeds_meet_every_trouble() -> None:
    assert not never_met(TROUBLES, _met)


def _met(seed: int) -> Counter[str]:
    world = GuardWorld(seed)
    world.run()
    met = world.happened.copy()
    met["moved traffic"] += sum(len(moved(router.effects)) for router in world.routers.values())
    for lines in read_journals(world.log).values():
        met.update(step for line in lines for step in line.decision.split("+"))
    return met
