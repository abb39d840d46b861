"""What an actuator must not forget, in one SQLite file: positions, highest sequences, commands and their results.

Every change is on the disk before the method returns (WAL, synchronous FULL). One process at a time: a second one
that opened the same file would obey the same commands beside it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kedge.schemas.records import AckResult, Command
from kedge.streams.actuator.rules import Entry, Known, Result, Stage

__all__ = ["Store", "StoreError"]

_FORMAT: Final = "2"
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS positions
    (partition INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL, begun_at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sequences (model TEXT PRIMARY KEY, highest INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS commands (
    command_id TEXT PRIMARY KEY, model TEXT NOT NULL, stage TEXT NOT NULL, generation TEXT NOT NULL,
    result TEXT NOT NULL, reason TEXT NOT NULL, observed_version TEXT NOT NULL, timestamp INTEGER NOT NULL,
    expires_at INTEGER NOT NULL) STRICT;
"""
_SAVE: Final = """
INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (command_id) DO UPDATE SET stage = excluded.stage,
    generation = excluded.generation, result = excluded.result, reason = excluded.reason,
    observed_version = excluded.observed_version, timestamp = excluded.timestamp
"""
_RAISE: Final = """
INSERT INTO sequences VALUES (?, ?) ON CONFLICT (model) DO UPDATE SET highest = max(highest, excluded.highest)
"""
_FORGET: Final = """
DELETE FROM commands WHERE model = ? AND stage != ? AND expires_at < ? AND rowid NOT IN
    (SELECT rowid FROM commands WHERE model = ? ORDER BY rowid DESC LIMIT ?)
"""
_KEPT: Final = 64
"""A model's newest commands, which are kept whenever they expired: the guard remembers fewer."""
_EXPIRED_FOR_MS: Final = 24 * 3_600_000
"""How long a command must have been expired before it is forgotten: by then no clock is off by so much."""


class StoreError(Exception):
    """The store cannot be used; the message says what to do."""


class Store:
    """An open store; a context manager.

    Args:
        path: the file; it is made where there is none, which is a first start.
        environment: whose commands it is about.

    Raises:
        StoreError: another process has it, it is of another environment, or no store of ours.
    """

    def __init__(self, path: Path, environment: str) -> None:
        self._path = path
        try:
            # Autocommit: `_changing` says where a transaction begins and ends.
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None)
        except sqlite3.Error as error:
            raise StoreError(f"{path}: {error}: give a file in a folder that exists and can be written") from error
        try:
            self._open(environment)
        except sqlite3.Error as error:
            self._db.close()
            raise StoreError(f"{path}: {_in_words(error)}") from error
        except StoreError:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing is lost if nobody does."""
        self._db.close()

    def position(self, partition: int) -> int | None:
        """Return the offset to read next; None: the partition was never read."""
        row = self._db.execute("SELECT next_offset FROM positions WHERE partition = ?", (partition,)).fetchone()
        return None if row is None else int(row[0])

    def begun_at(self, partition: int) -> int:
        """Return the partition's end when the store was begun: what lies before it is never obeyed."""
        row = self._db.execute("SELECT begun_at FROM positions WHERE partition = ?", (partition,)).fetchone()
        return int(row[0])

    def begin(self, partition: int, first: int, end: int) -> None:
        """Begin a partition at offset `first`; `end` is where it ends now."""
        with self._changing():
            self._db.execute("INSERT INTO positions VALUES (?, ?, ?)", (partition, first, end))

    def advance(self, partition: int, next_offset: int) -> None:
        """All before `next_offset` is done with, acks included."""
        with self._changing():
            self._db.execute("UPDATE positions SET next_offset = ? WHERE partition = ?", (next_offset, partition))

    def known(self, command: Command) -> Known:
        """Return what is known about a command, where it lies in the log apart."""
        row = self._db.execute("SELECT highest FROM sequences WHERE model = ?", (command.model,)).fetchone()
        return Known(
            highest=-1 if row is None else int(row[0]),
            entry=self._entry(command.command_id),
            cancelled_entry=self._entry(command.cancels) if command.cancels else None,
        )

    def pass_by(self, command: Command) -> None:
        """Remember the command's sequence."""
        with self._changing():
            self._db.execute(_RAISE, (command.model, command.sequence))

    def remember(self, command: Command) -> None:
        """Remember a command that is older than the store."""
        self._save(command, Entry(model=command.model, stage=Stage.PASSED))

    def intend(self, command: Command, generation: str) -> None:
        """From now on the router may have been asked."""
        self._save(command, Entry(model=command.model, stage=Stage.INTENT, generation=generation))

    def settle(self, command: Command, result: Result, now_ms: int) -> Entry:
        """Keep how a command ended, and return that; old ones that have long expired are forgotten.

        Nothing that could still be obeyed, and nothing that was begun and has no result, is ever forgotten.
        """
        entry = Entry(model=command.model, stage=Stage.DONE, result=result, timestamp=now_ms)
        self._save(command, entry)
        with self._changing():
            self._db.execute(
                _FORGET, (command.model, Stage.INTENT.value, now_ms - _EXPIRED_FOR_MS, command.model, _KEPT)
            )
        return entry

    def _save(self, command: Command, entry: Entry) -> None:
        result = ("", "", "") if entry.result is None else _columns(entry.result)
        with self._changing():
            row = (command.command_id, command.model, entry.stage.value, entry.generation, *result, entry.timestamp)
            self._db.execute(_SAVE, (*row, command.expires_at))
            self._db.execute(_RAISE, (command.model, command.sequence))

    def _entry(self, command_id: str) -> Entry | None:
        row = self._db.execute("SELECT * FROM commands WHERE command_id = ?", (command_id,)).fetchone()
        if row is None:
            return None
        _, model, stage, generation, result, reason, observed, timestamp, _ = row
        ended = Result(result=AckResult(result), reason=reason, observed_version=observed) if result else None
        return Entry(model=model, stage=Stage(stage), generation=generation, result=ended, timestamp=timestamp)

    def _open(self, environment: str) -> None:
        # In this order: WAL in exclusive mode needs no shared memory, and locks until the process ends.
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        with self._changing():
            for statement in _TABLES.strip().split(";\n"):
                self._db.execute(statement)
            self._db.executemany(
                "INSERT OR IGNORE INTO facts VALUES (?, ?)", [("format", _FORMAT), ("environment", environment)]
            )
        facts = dict(self._db.execute("SELECT name, value FROM facts").fetchall())
        if facts["format"] != _FORMAT:
            raise StoreError(
                f"{self._path} has format {facts['format']}, known here is {_FORMAT}: move it away; a new one begins "
                "at the end of the log and obeys nothing older"
            )
        if facts["environment"] != environment:
            raise StoreError(
                f"{self._path} belongs to the environment {facts['environment']!r}, not {environment!r}: give each "
                "environment a store of its own"
            )

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One transaction: all of it or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _columns(result: Result) -> tuple[str, str, str]:
    return result.result.value, result.reason, result.observed_version


def _in_words(error: sqlite3.Error) -> str:
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return "another process has it open: each actuator needs a store of its own"
    return f"{error}: if it is lost, move it away; a new one begins at the end of the log and obeys nothing older"
