"""Guard: its invariants hold whatever happens, and each is seen to fail without what protects it."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.streams.core.guard_machine import GuardMachine
from tests.streams.core.guard_mutations import MUTATIONS

PLAIN = settings(
    max_examples=30, stateful_step_count=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
HASTY = settings(PLAIN, max_examples=300, database=None, phases=[Phase.generate], report_multiple_bugs=False)
"""To see that something fails, not what the least example of it is."""


def test_whatever_happens_the_invariants_hold() -> None:
    run_state_machine_as_test(GuardMachine, settings=PLAIN)


@pytest.mark.parametrize("name", MUTATIONS)
def test_without_its_protection_an_invariant_fails(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTATIONS[name].apply(monkeypatch)
    with pytest.raises((AssertionError, KeyError), match=MUTATIONS[name].seen):
        run_state_machine_as_test(GuardMachine, settings=HASTY)
