"""Today's code writes the golden bytes and reads every golden file that is kept."""

from pathlib import Path

import pytest

from kedge.schemas.codec import Codec
from kedge.schemas.contracts import current, released
from kedge.schemas.records import RECORDS
from tests.schemas.golden import files, path_of, read
from tests.schemas.samples import SAMPLES


@pytest.mark.parametrize("name", sorted(current()))
def test_a_record_is_written_as_it_always_was(name: str) -> None:
    path = path_of(current()[name])
    assert path.exists(), "a schema changed: run `python -m tests.schemas.golden`"
    assert Codec().encode(SAMPLES[name]) == read(path)


@pytest.mark.parametrize("name", sorted(current()))
def test_golden_bytes_are_read_as_what_was_written(name: str) -> None:
    assert repr(Codec().decode(read(path_of(current()[name])), RECORDS[name])) == repr(SAMPLES[name])


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_every_golden_file_stays_readable(path: Path) -> None:
    record = RECORDS[path.stem.partition("-")[0]]
    assert isinstance(Codec().decode(read(path), record), record)


def test_what_a_release_wrote_has_golden_bytes() -> None:
    missing = {path_of(schema).name for version in released().values() for schema in version.values()}
    assert missing - {path.name for path in files()} == set()
