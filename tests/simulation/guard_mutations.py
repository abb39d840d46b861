"""The protections of deciding and acting, each removed by itself; the simulation must turn red without any of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import pytest

from kedge.schemas.records import Command, VersionReport
from kedge.streams.actuator.rules import Known, Stage
from kedge.streams.core.guard import OVERRIDES, Guard
from kedge.streams.core.guarding import decide, rollback, vetoes, wishes
from kedge.streams.core.guarding.ends import Ending
from kedge.streams.core.guarding.evidence import Proof
from kedge.streams.core.guarding.turn import Turn
from kedge.streams.core.instructions import Core
from tests.simulation.guard_checks import CODEC
from tests.simulation.guard_world import GuardParts, guard_config, make_catalog
from tests.simulation.log import Log
from tests.simulation.mutations import ApartOwner, UnfencedOwner
from tests.simulation.routing import MortalStore
from tests.support.means import guard_means


class _IntentlessStore(MortalStore):
    """Knows at a restart only of commands that have ended."""

    def known(self, command: Command) -> Known:
        known = super().known(command)
        begun = known.entry is not None and known.entry.stage is Stage.INTENT
        return replace(known, entry=None) if begun else known


class _ForgetfulStore(MortalStore):
    """Knows no sequence and no id."""

    def known(self, command: Command) -> Known:
        del command
        return Known()


class _HastyGuard(Guard):
    """Sends what is staged, whatever people may have said by then."""

    def stand(self, ends: Mapping[str, int], now_ms: int) -> None:
        super().stand({**ends, OVERRIDES: 0}, now_ms)


def _hasty(_patch: pytest.MonkeyPatch) -> GuardParts:
    def make(_agent: str, partition: int, log: Log) -> Core:
        return _HastyGuard(guard_config(partition, log), make_catalog(), CODEC, guard_means())

    return GuardParts(make_core=make)


def _many_attempts(patch: pytest.MonkeyPatch) -> GuardParts:
    """Decide anew while the last attempt is open, and however many there were."""

    def consider(turn: Turn, report: VersionReport, proofs: Sequence[Proof]) -> None:
        if turn.model.incident is not None:
            turn.model.incident.route = ""
        rollback.consider(turn, report, proofs)

    patch.setattr(decide, "consider", consider)
    patch.setattr(vetoes, "VETOES", tuple(veto for veto in vetoes.VETOES if veto is not vetoes.again))
    return GuardParts()


def _many_orders(patch: pytest.MonkeyPatch) -> GuardParts:
    """Stage a command over the open one, which is not ended."""

    def finish(turn: Turn, _ending: Ending) -> None:
        turn.model.order = None

    patch.setattr(wishes, "finish", finish)
    return GuardParts()


GUARD_MUTATIONS: Final[Mapping[str, Callable[[pytest.MonkeyPatch], GuardParts]]] = MappingProxyType(
    {
        "atomicity": lambda _patch: GuardParts(make_owner=ApartOwner),
        "fencing": lambda _patch: GuardParts(make_owner=UnfencedOwner),
        "the intent at a restart": lambda _patch: GuardParts(make_store=_IntentlessStore),
        "the ids and sequences that were seen": lambda _patch: GuardParts(make_store=_ForgetfulStore),
        "waiting for the end of the overrides": _hasty,
        "no new attempt while one is open": _many_attempts,
        "ending what is replaced": _many_orders,
    }
)
"""What is taken away, by name, and how."""
