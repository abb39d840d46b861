"""One seed of what decides and acts, and everything that is wrong with it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from kedge.schemas.records import Action, Command, Journal, Override
from tests.simulation.guard_checks import CODEC, Guarded, check_ended, check_guard, read_journals
from tests.simulation.guard_world import ENVIRONMENT, SOURCES, GuardParts, GuardWorld, make_catalog
from tests.simulation.routing import moved

PRODUCTION: Final = GuardParts()
CLOCKS_MS: Final = 4_000
"""How far a worker's clock and the log's, or two workers', may be apart."""


def simulate_guard(seed: int, parts: GuardParts = PRODUCTION) -> list[str]:
    """Return everything that is wrong with this seed's run; nothing is as it should be."""
    world = GuardWorld(seed, parts)
    world.run()
    return list(check_world(world))


def check_world(world: GuardWorld) -> Iterator[str]:
    """Yield everything that is wrong with a run that is over."""
    run = Guarded(
        log=world.log,
        catalog=make_catalog(),
        environment=ENVIRONMENT,
        sources=SOURCES,
        replayed=frozenset(world.replayed),
    )
    yield from check_guard(run)
    yield from check_ended(world.log)
    for model, router in world.routers.items():
        yield from (f"{model}: {wrong}" for wrong in _check_effects(moved(router.effects)))
    yield from _check_cancels(world)
    yield from _check_causes(world)
    for lines in read_journals(world.log).values():
        yield from _check_overrides(world, lines)


def _check_effects(commands: list[Command]) -> Iterator[str]:
    for name, counts in (
        ("command", Counter(command.command_id for command in commands)),
        ("incident", Counter(command.incident for command in commands)),
    ):
        yield from (f"{name} {key[:12]} moved traffic {count} times" for key, count in counts.items() if count > 1)


def _check_cancels(world: GuardWorld) -> Iterator[str]:
    """Who acts has seen every CANCEL that he could have read."""
    cancels = {
        command.cancels: entry.offset
        for entry in world.log.entries("control")
        if (command := CODEC.decode(entry.value or b"", Command)).cancels
    }
    for router in world.routers.values():
        for effect in router.effects:
            if cancels.get(effect.command.command_id, effect.known) < effect.known:
                yield f"{effect.command.command_id[:12]} moved traffic after it was called back"


def _check_causes(world: GuardWorld) -> Iterator[str]:
    """Where no candidate does harm no traffic moves, and nothing moves that was not sent."""
    commands = [CODEC.decode(entry.value or b"", Command) for entry in world.log.entries("control")]
    sent = {command.command_id for command in commands}
    for model, story in world.stories.items():
        if story.harmful_from is None and any(
            command.model == model and command.action is Action.ROUTE_TO_SAFE_PATH for command in commands
        ):
            yield f"{model}: a rollback, and its candidate does no harm"
        for command in moved(world.routers[model].effects):
            if command.command_id not in sent:
                yield f"{model}: {command.command_id[:12]} moved traffic and was never committed"


def _check_overrides(world: GuardWorld, lines: Sequence[Journal]) -> Iterator[str]:
    """A command leaves after every override that lay there when it was decided."""
    staged, taken = dict[str, int](), set[tuple[int, int]]()
    for line in lines:
        taken |= {(line.input_partition, line.input_offset)} if line.input_topic == "overrides" else set()
        for command_id in line.commands:
            # What is sent again, or calls back, waits for nothing.
            decided = staged.pop(command_id, 0)
            for entry in world.log.entries("overrides"):
                mine = CODEC.decode(entry.value or b"", Override).model == line.model
                if mine and entry.timestamp < decided - CLOCKS_MS and (entry.partition, entry.offset) not in taken:
                    yield f"{line.model}: {line.sequence} leaves before the override at {entry.offset} is read"
        staged |= dict.fromkeys(line.staged, line.timestamp)
