"""Files to Arrow tables."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from kedge.streams.tables.errors import TableError

__all__ = ["MISSING", "is_parquet", "read_table"]

_PARQUET: Final = (".parquet", ".pq")
MISSING: Final = ("", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "None")
"""Of columns of numbers. NaN is not among them: it is a value, and an invalid one."""
_OTHER_SEPARATORS: Final = frozenset(";\t|")


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet, by its name; all others are CSV."""
    return path.suffix.lower() in _PARQUET


def read_table(path: Path, texts: Collection[str]) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Return the file as an Arrow table; CSV columns in `texts` are read as text.

    A CSV file begins with a line of names; its columns' types are found over the whole file, not over the first rows.

    Raises:
        TableError: it cannot be opened or read, or has no rows.
    """
    try:
        table = pa_parquet.read_table(path) if is_parquet(path) else _read_csv(path, texts)
    except pa.ArrowInvalid as error:
        raise TableError(f"{path} cannot be read: {_first_line(error)}") from error
    except (OSError, pa.ArrowException) as error:
        raise TableError(f"{path} cannot be read: {_first_line(error)}") from error
    if table.num_columns == 1 and not is_parquet(path) and (other := set(table.column_names[0]) & _OTHER_SEPARATORS):
        raise TableError(f"{path} has a single column: its values are separated by {min(other)!r}, expected ','")
    if not table.num_rows:
        raise TableError(f"{path} has no rows")
    return table


def _read_csv(path: Path, texts: Collection[str]) -> Any:  # noqa: ANN401 - pyarrow has no types
    def read(*, threads: bool) -> Any:  # noqa: ANN401 - the same
        return pa_csv.read_csv(
            path,
            read_options=pa_csv.ReadOptions(use_threads=threads),
            convert_options=pa_csv.ConvertOptions(
                null_values=list(MISSING),
                strings_can_be_null=False,  # "NA" is a country; an empty text is told from the rest later
                column_types=dict.fromkeys(texts, pa.string()),
            ),
        )

    try:
        return read(threads=True)
    except pa.ArrowInvalid:
        return read(threads=False)  # the error again, this time with its row


def _first_line(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a directory"
    return str(error).splitlines()[0]
