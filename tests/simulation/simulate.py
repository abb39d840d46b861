"""One seed: run the world, recount what lay in its log, and say what does not agree."""

from dataclasses import dataclass

from tests.simulation.checks import check_fates, check_partials, check_reports
from tests.simulation.cluster import MakeCore, MakeOwner
from tests.simulation.deployment import make_catalog, make_core
from tests.simulation.guard_checks import Guarded, check_guard
from tests.simulation.join_checks import check_joins
from tests.simulation.owner import Owner
from tests.simulation.recount import recount
from tests.simulation.setting import ENVIRONMENT
from tests.simulation.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a run is made of; a mutation puts another part in its place."""

    make_core: MakeCore = make_core
    make_owner: MakeOwner = Owner


def simulate(seed: int, parts: Parts = Parts()) -> list[str]:
    """Return everything that is wrong with this seed's run; nothing is as it should be."""
    world = World(seed, parts.make_core, parts.make_owner)
    world.run()
    expected = recount(world.arrivals, world.partitions)
    guarded = Guarded(log=world.log, catalog=make_catalog(), environment=ENVIRONMENT, sources=("reports",))
    return [
        *check_partials(world.log, expected),
        *check_fates(world.log, expected),
        *check_joins(world.log, expected),
        *check_reports(world.log, expected, world.closed_at),
        *check_guard(guarded),
    ]
