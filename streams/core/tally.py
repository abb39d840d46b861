"""Tally: counts what lies in one partition of `predictions`, each row once, and joins it with `outcomes`.

Two passes over what was fetched. The first goes record by record, because whether a row is late
or a duplicate depends on what came before its offset; the second counts all accepted rows of one
(model, version, role, plan) together, because numpy is quick on many rows and slow on few.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from kedge.schemas.codec import Codec
from kedge.schemas.hashing import id_hash
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import Columns, RefusedError
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.dead_letters import DeadLetterWriter
from kedge.streams.core.dedupe import Batch as NumberedBatch
from kedge.streams.core.dedupe import Charge, StreamKey
from kedge.streams.core.instructions import Checkpoint, Observation, source_of
from kedge.streams.core.intake import COUNT_MAX, FUTURE_MS_MAX, Batch, Single, countable, read
from kedge.streams.core.join_outcomes import OUTCOMES
from kedge.streams.core.join_tally import TallyJoins
from kedge.streams.core.meter import Meter
from kedge.streams.core.pending import Pending
from kedge.streams.core.plan import Plan
from kedge.streams.core.record import Record
from kedge.streams.core.second_pass import SecondPass
from kedge.streams.core.spans import PANES_MAX, distinct_panes
from kedge.streams.core.tally_state import PREDICTIONS, TallyState
from kedge.streams.core.tally_store import TallyStore

__all__ = ["VERSIONS_MAX", "Tally"]

LETTERS_MAX: Final = 1_000
"""Dead letters that wait for a checkpoint."""

_REFUSALS: Final = {
    "too_old_to_tell": "its sequence is older than duplicates can be told of",
    "too_many_senders": "more senders than one partition follows: names made up for each message?",
}

VERSIONS_MAX: Final = 32
"""Versions of one model with live panes in one partition; a sender that makes more up is refused."""
_Step = tuple[str, int, Plan]
"""A model's event time has come to a timestamp, by a plan."""


class Tally:
    """One partition's counting; a `Core`."""

    def __init__(self, config: CoreConfig, catalog: Catalog, codec: Codec) -> None:
        self._config = config
        self._catalog = catalog
        self._codec = codec
        self._letters = DeadLetterWriter(codec, config.hash_key, keep_payloads=config.keep_payloads)
        self._state = TallyState()
        self._joins = TallyJoins(config, catalog, codec, self._state, self._letters)
        self._store = TallyStore(config, self._state, codec, self._joins.store)
        self._meter = Meter()
        self._second = SecondPass(config.hash_key, self._state, self._store, self._meter)

    @property
    def committed(self) -> dict[str, int]:
        """Logical source topic to the last offset contained."""
        return self._state.committed

    @property
    def due(self) -> bool:
        """A flood of dead letters must not gather in memory until the next second."""
        return len(self._letters) >= LETTERS_MAX

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the state partition in."""
        self._store.restore(key, value)

    def restored(self) -> None:
        """Check the state's topology."""
        self._store.restored(self._catalog)

    def fold(self, records: Sequence[Record], now_ms: int) -> None:
        """Count records in, in order of offset; bad ones become dead letters."""
        del now_ms  # Event time and append time are all that counting knows.
        pending = Pending()
        predictions = [record for record in records if source_of(record) == PREDICTIONS]
        for record in predictions:
            self._take(record, pending)
        for record in records:
            # Before counting: a cell that expires meanwhile says that it contains these offsets.
            self._state.committed[source_of(record)] = record.offset
        self._joins.take_outcomes([record for record in records if source_of(record) == OUTCOMES])
        if predictions:
            self._state.at_end = False
            newest = max(record.timestamp for record in predictions)
            self._state.read_through = max(self._state.read_through, newest)
        self._joins.count()
        self._second.count(pending)

    def count(self, parts: Sequence[Columns], outcomes: Iterable[Mapping[str, Any]] = ()) -> None:
        """Count rows that were read from a file: no offset, no sender, no dead letters; one step for all parts.

        `outcomes`: what came of such rows, fields as in `Outcome`.
        """
        pending = Pending()
        steps = []
        for columns in parts:
            if self._catalog.knows(columns.model):
                steps += self._accept(columns, pending)
            else:
                self._fate(columns.model, "unmonitored", columns.rows)
        newest = max((int(columns.timestamps.max()) for columns in parts), default=0)
        self._joins.take_told(outcomes)
        self._advance(steps, newest)
        self._state.read_through = max(self._state.read_through, newest)
        self._joins.count()
        self._second.count(pending)

    def miss(self, columns: Columns, rows: int) -> None:
        """Take note that `rows` rows are missing from the pane of the first of these, which are counted as well."""
        first = int(columns.timestamps.min())
        plan = self._catalog.plan_at(columns.model, columns.version, first)
        if plan is not None:
            charge = Charge(first - first % plan.windows.pane_ms, plan.hashes, rows)
            self._charge(StreamKey("", columns.model, columns.version, columns.role), charge)

    def stand(self, ends: Mapping[str, int], now_ms: int) -> None:
        """Take note of where the logs ended at `now_ms` (first free offset; 0: empty)."""
        self._state.at_end = self._state.committed.get(PREDICTIONS, -1) + 1 >= ends[PREDICTIONS]
        if self._state.at_end:
            self._state.read_through = max(self._state.read_through, now_ms)
        self._joins.stand(ends, now_ms)

    def snapshot(self, now_ms: int) -> Checkpoint | None:
        """Return what changed, and the progress made; None where there is nothing to say."""
        return self._store.checkpoint(now_ms, self._letters.take())

    def drain(self) -> list[Observation]:
        """Return the observations since the last call."""
        marks = [
            Observation(name, {"model": model}, value)
            for model, clock in self._state.clocks.items()
            for name, value in (("watermark_ms", clock.watermark), ("last_row_ms", clock.last_appended))
        ]
        return [*self._meter.drain(), *marks, *self._letters.drain(), *self._joins.drain()]

    def _fate(self, model: str, fate: str, rows: int) -> None:
        if rows:
            self._state.totals["received"] += rows
            self._state.totals[fate] += rows
            # A model that nobody monitors is a name out of a message: never a label.
            self._meter.fate(model if self._catalog.knows(model) else "", fate, rows)

    def _refuse(self, record: Record, model: str, error: RefusedError, rows: int) -> None:
        self._letters.add(record, error, rows)
        self._fate(model, "refused", rows)

    def _take(self, record: Record, pending: Pending) -> None:
        try:
            message = read(record, self._codec, self._config.topology[PREDICTIONS])
        except RefusedError as error:
            self._refuse(record, "", error, 0)
            return
        match message:
            case Batch():
                self._take_batch(record, message, pending)
            case Single():
                self._take_single(record, message.event, pending)

    def _take_batch(self, record: Record, batch: Batch, pending: Pending) -> None:
        columns = batch.columns
        model, rows = columns.model, columns.rows
        if not self._catalog.knows(model):
            self._fate(model, "unmonitored", rows)
            return
        if not self._version_fits(record, (model, columns.version), rows, pending):
            return  # before it is admitted: what it is charged makes the very cells that are bounded here
        if (possible := countable(columns, record.timestamp)) is not None:
            columns = columns.take(possible)
        refused = self._admit(record, batch, columns)
        if refused == "duplicate":
            self._fate(model, refused, rows)
        elif refused is not None:
            self._refuse(record, model, RefusedError(refused, _REFUSALS[refused]), rows)
        else:
            self._quarantine(record, model, rows - columns.rows)
            if columns.rows:
                self._take_columns(record, columns, pending)

    def _take_columns(self, record: Record, columns: Columns, pending: Pending) -> None:
        panes = distinct_panes(columns, self._catalog)
        if panes > PANES_MAX:
            error = RefusedError("too_many_panes", f"rows in {panes} panes, {PANES_MAX} allowed")
            self._refuse(record, columns.model, error, columns.rows)
        else:
            self._advance(self._accept(columns, pending), record.timestamp)

    def _admit(self, record: Record, batch: Batch, columns: Columns) -> str | None:
        """Enter the batch into its sender's stream; returns why it must not be counted."""
        key = StreamKey(batch.producer, columns.model, columns.version, columns.role)
        if self._state.crowded(key):
            return "too_many_senders"
        first = int(columns.timestamps.min()) if columns.rows else record.timestamp
        plan = self._catalog.plan_at(columns.model, columns.version, first)
        admission = self._state.sender(key).admit(
            NumberedBatch(
                sequence=batch.sequence,
                rows=batch.columns.rows,
                rows_before=batch.rows_before,
                dropped=batch.dropped,
                # A batch of impossible times is no reason to forget its sender at once.
                max_timestamp=int(columns.timestamps.max()) if columns.rows else record.timestamp,
                pane=0 if plan is None else first - first % plan.windows.pane_ms,
                plan=("", "") if plan is None else plan.hashes,
            )
        )
        for charge in admission.charges:
            self._charge(key, charge)
            self._meter.charged(key.model, charge)
        return admission.refused

    def _charge(self, key: StreamKey, charge: Charge) -> None:
        plan = self._catalog.plan(*charge.plan)
        if plan is not None and charge.pane >= self._state.late_limit(key.model, plan):
            cell = self._state.cell((key.model, key.version, key.role), "", plan, charge.pane)
            cell.lost = min(cell.lost + charge.rows, COUNT_MAX)

    def _quarantine(self, record: Record, model: str, rows: int) -> None:
        if rows:
            error = RefusedError("timestamp", "not positive, or over 5 minutes past its append")
            self._letters.add(record, error, rows)
            self._fate(model, "quarantined", rows)

    def _version_fits(self, record: Record, named: tuple[str, str], rows: int, pending: Pending) -> bool:
        model, version = named
        live = self._state.versions(model).keys() | pending.versions[model]
        if version in live or len(live) < VERSIONS_MAX:
            pending.versions[model].add(version)
            return True
        error = RefusedError("too_many_versions", f"more than {VERSIONS_MAX} live versions")
        self._refuse(record, model, error, rows)
        return False

    def _accept(self, columns: Columns, pending: Pending) -> list[_Step]:
        """Judge rows late or not by the watermark before their offset; returns how far they move it."""
        model = columns.model
        steps: list[_Step] = []
        if columns.probe is not None:
            self._fate(model, "probe", int(columns.probe.sum()))
            columns = columns.take(~columns.probe)
            if not columns.rows:
                return steps
        stream = (model, columns.version, columns.role)
        for plan, part in self._catalog.split(columns):
            if plan is None:
                self._fate(model, "unmonitored", part.rows)
                continue
            limit = self._state.late_limit(model, plan)
            in_time = part if part.timestamps.min() >= limit else part.take(part.timestamps >= limit)
            self._fate(model, "late", part.rows - in_time.rows)
            if in_time.rows:
                self._fate(model, "counted", in_time.rows)
                pending.parts[stream, plan].append(in_time)
                self._joins.take_rows(plan, in_time)
                steps.append((model, int(in_time.timestamps.max()), plan))
        return steps

    def _advance(self, steps: Sequence[_Step], appended_ms: int) -> None:
        """Move the watermarks on. Only now: the rows of one offset do not make each other late."""
        for model, timestamp, plan in steps:
            self._state.advance(model, timestamp, appended_ms, plan)

    def _take_single(self, record: Record, event: Mapping[str, Any], pending: Pending) -> None:
        model, version, timestamp = event["model"], event["version"], event["timestamp"]
        plan = self._catalog.plan_at(model, version, timestamp)
        if not self._catalog.knows(model):
            self._fate(model, "unmonitored", 1)
        elif not 0 < timestamp <= record.timestamp + FUTURE_MS_MAX:
            self._quarantine(record, model, 1)
        elif event["probe"]:
            self._fate(model, "probe", 1)
        elif plan is None:
            self._fate(model, "unmonitored", 1)
        elif timestamp < self._state.late_limit(model, plan):
            # Before the look for duplicates: ids go with their pane, once a chunk, and what a row
            # is called must not hang on how the log was cut.
            self._fate(model, "late", 1)
        elif self._state.ids.knows(model, hashed := id_hash(event["event_id"])):
            self._fate(model, "duplicate", 1)
        elif self._version_fits(record, (model, version), 1, pending):
            pane = timestamp - timestamp % plan.windows.pane_ms
            self._state.ids.keep(model, pane + plan.windows.pane_ms, hashed)
            pending.singles[(model, version, event["role"]), plan].append(event)
            self._fate(model, "counted", 1)
            self._joins.take_single(plan, event)
            self._state.advance(model, timestamp, record.timestamp, plan)
