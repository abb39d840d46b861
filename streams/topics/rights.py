"""The least rights of each component, as Kafka's ACLs: one table, from which commands, docs and tests are made.

Whoever has READ or WRITE may DESCRIBE, so that it stands alone only where neither is needed. An idempotent producer
needs no right of its own beside WRITE on its topic.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kedge.streams.names import SOURCES, Agent, Topics, group_id, reader_group, transactional_ids

__all__ = ["RIGHTS", "Component", "Kind", "Operation", "Right", "acl_commands", "rights_markdown", "rights_of"]


class Component(StrEnum):
    """Who connects. Each is a Kafka user of its own."""

    ADMIN = "admin"
    PUBLISHER = "publisher"
    WORKER = "worker"
    ACTUATOR = "actuator"
    READER = "reader"
    OPERATOR = "operator"
    OWNER = "owner"
    REPLAY = "replay"
    DOCTOR = "doctor"

    @property
    def who(self) -> str:
        """What runs under it."""
        return _WHO[self]


class Kind(StrEnum):
    """Of what; the values are the options of `kafka-acls`."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional-id"


class Operation(StrEnum):
    """To do what; the values are those of `kafka-acls`."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One ACL: `name` is what it is for, in full; `prefixed`: all that begins so."""

    operation: Operation
    kind: Kind
    name: str
    prefixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Needs:
    """What a component does, by logical topic names."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    makes: bool = False
    counts: bool = False
    examines: bool = False


_STATES: Final = tuple(f"{agent}_state" for agent in Agent)
_CATALOG: Final = ("monitors", "baselines")
_TOLD: Final = ("journal", "alerts", "control", "acks")

RIGHTS: Final[Mapping[Component, _Needs]] = {
    Component.ADMIN: _Needs(makes=True),
    Component.PUBLISHER: _Needs(writes=("predictions", "outcomes")),
    Component.WORKER: _Needs(
        reads=(
            *(source for sources in SOURCES.values() for source in sources),
            *_STATES,
            *_CATALOG,
            *("control", "alerts", "journal"),  # which its console shows
        ),
        writes=("partials", "reports", "alerts", "control", "journal", "dead_letters", *_STATES),
        counts=True,
    ),
    Component.ACTUATOR: _Needs(reads=("control",), writes=("acks",)),
    Component.READER: _Needs(reads=("reports", "overrides", *_TOLD, *_CATALOG, "dead_letters")),
    Component.OPERATOR: _Needs(reads=(*_TOLD, *_CATALOG), writes=("overrides",)),
    Component.OWNER: _Needs(reads=_CATALOG, writes=_CATALOG),
    Component.REPLAY: _Needs(reads=("predictions", "outcomes", *_CATALOG)),
    Component.DOCTOR: _Needs(examines=True),
}

_WHO: Final[Mapping[Component, str]] = {
    Component.ADMIN: "`kedge topics create`",
    Component.PUBLISHER: "serving nodes and label pipelines (`kedge.Publisher`)",
    Component.WORKER: "`kedge worker`",
    Component.ACTUATOR: "`kedge.Actuator`, `kedge actuator run`",
    Component.READER: "people and consumers: `kedge watch`, `status`, `incidents`, `dlq`, `verify-decision`",
    Component.OPERATOR: "people on call: `kedge override`, `kedge drill`",
    Component.OWNER: "who changes what is watched: `kedge monitor publish`, `kedge baseline publish`",
    Component.REPLAY: "`kedge replay --from-kafka`; it reads what features held",
    Component.DOCTOR: "`kedge doctor`; it reads what features held",
}


def rights_of(component: Component, environment: str) -> tuple[Right, ...]:
    """Return a component's rights in an environment, sorted.

    >>> for right in rights_of(Component.ACTUATOR, "prod"):
    ...     print(right.operation, right.name)
    Describe prod.kedge.reader
    Read prod.kedge.control
    Write prod.kedge.acks
    """
    return tuple(sorted(_rights(RIGHTS[component], environment)))


def _rights(needs: _Needs, environment: str) -> Iterator[Right]:
    topics = Topics(environment)
    yield from (Right(Operation.READ, Kind.TOPIC, topics.of(name)) for name in needs.reads)
    yield from (Right(Operation.WRITE, Kind.TOPIC, topics.of(name)) for name in needs.writes)
    if needs.reads or needs.examines:
        yield Right(Operation.DESCRIBE, Kind.GROUP, reader_group(environment))
    if needs.examines:
        yield Right(Operation.DESCRIBE, Kind.GROUP, group_id(environment))
        for operation in (Operation.READ, Operation.DESCRIBE_CONFIGS):
            yield Right(operation, Kind.TOPIC, topics.of(""), prefixed=True)
    if needs.makes:
        for operation in (Operation.CREATE, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS):
            yield Right(operation, Kind.TOPIC, topics.of(""), prefixed=True)
    if needs.counts:
        yield Right(Operation.READ, Kind.GROUP, group_id(environment))
        yield Right(Operation.WRITE, Kind.TRANSACTIONAL_ID, transactional_ids(environment), prefixed=True)


def acl_commands(component: Component, environment: str, principal: str) -> Iterator[str]:
    """Yield the `kafka-acls` commands that give a principal (`User:…`) a component's rights."""
    grouped: dict[tuple[Operation, Kind, bool], list[str]] = {}
    for right in rights_of(component, environment):
        grouped.setdefault((right.operation, right.kind, right.prefixed), []).append(right.name)
    for (operation, kind, prefixed), names in grouped.items():
        words = ["kafka-acls", "--add", "--allow-principal", principal, "--operation", operation.value]
        if prefixed:
            words += ["--resource-pattern-type", "prefixed"]
        for name in names:
            words += [f"--{kind}", name]
        yield shlex.join(words)


def rights_markdown() -> str:
    """Return the table of docs/security.md."""
    rows = ["| component | runs | READ | WRITE | more |", "|---|---|---|---|---|"]
    for component, needs in RIGHTS.items():
        cells = (f"`{component}`", component.who, _listed(needs.reads), _listed(needs.writes), _more(needs))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _more(needs: _Needs) -> str:
    said = [f"DESCRIBE on the group `{reader_group('ENV')}`"] if needs.reads else []
    if needs.makes:
        said.append("CREATE, DESCRIBE and DESCRIBE_CONFIGS on all topics that begin with `ENV.kedge.`")
    if needs.examines:
        said = [
            "READ and DESCRIBE_CONFIGS on all topics that begin with `ENV.kedge.`",
            f"DESCRIBE on the groups `{group_id('ENV')}` and `{reader_group('ENV')}`",
        ]
    if needs.counts:
        said.append(
            f"READ on the group `{group_id('ENV')}`, WRITE on all transactional ids that begin with "
            f"`{transactional_ids('ENV')}`"
        )
    return "; ".join(said)
