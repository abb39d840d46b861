"""An Arrow column to numbers, texts or both.

Null is missing. NaN is a value, and an invalid one. In CSV an empty field is missing, and a column in which most
values are numbers is a column of numbers whose other values are text where a number belongs (invalid).
"""

from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kedge.streams.core.binning import number_name
from kedge.streams.core.columns import Numbers, Texts
from kedge.streams.tables.errors import TableError
from kedge.streams.tables.read import MISSING

__all__ = ["Values", "categories_of", "texts_of", "values_of"]

Bools = NDArray[np.bool_]

_NUMBERS_SHARE: Final = 0.5
"""Above this share of parsable values, a CSV column of text is one of numbers with faults in it."""


class Values(NamedTuple):
    """A column's values of either kind; both where numbers and text are mixed."""

    numbers: Numbers | None
    texts: Texts | None


def values_of(name: str, column: Any, *, csv: bool) -> Values:  # noqa: ANN401 - pyarrow has no types
    """Return a column's values.

    Raises:
        TableError: a type that is no feature: times, lists, bytes and the like.
    """
    kind = column.type
    if pa.types.is_boolean(kind):
        return Values(None, _texts(pc.if_else(column, "true", "false"), csv=False))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return Values(_numbers(column), None)
    if _is_text(kind):
        return _mixed(_texts(column, csv=True)) if csv else Values(None, _texts(column, csv=False))
    if csv and pa.types.is_binary(kind):
        raise TableError(f"column {name!r} is not UTF-8 text")
    when = f", or give it to replay with --timestamp {name}" if pa.types.is_temporal(kind) else ""
    raise TableError(f"column {name!r} holds {kind}, which is no feature: leave it out with --ignore {name}{when}")


def categories_of(name: str, column: Any, *, csv: bool) -> Values:  # noqa: ANN401 - pyarrow has no types
    """Return the values of a feature that is categorical whatever its values look like; raises as `values_of`."""
    if not _is_text(column.type):
        return values_of(name, column, csv=csv)
    texts = _texts(column, csv=csv)
    lowered = [text.lower() for text in texts.dictionary]
    if csv and set(lowered) <= {"true", "false", ""}:  # as serving nodes' booleans are written
        texts = Texts(lowered, texts.codes, texts.valid)
    return Values(None, texts)


def texts_of(name: str, column: Any, *, csv: bool) -> Texts:  # noqa: ANN401 - pyarrow has no types
    """Return a column as text: labels, versions and segments often come as whole numbers.

    Raises:
        TableError: as `values_of`, or an infinity or NaN.
    """
    if _is_text(column.type):
        return _texts(column, csv=csv)
    numbers, texts = values_of(name, column, csv=csv)
    if numbers is None:
        return texts or Texts([""], np.zeros(len(column), np.int32))
    known = numbers.values if numbers.valid is None else np.where(numbers.valid, numbers.values, 0.0)
    odd = np.flatnonzero(~np.isfinite(known))
    if odd.size:
        raise TableError(f"column {name!r}, row {odd[0] + 1}: {known[odd[0]]} is no category")
    distinct, codes = np.unique(known, return_inverse=True)
    return Texts([number_name(float(value)) for value in distinct], codes.astype(np.int32), numbers.valid)


def _is_text(kind: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))


def _numbers(column: Any) -> Numbers:  # noqa: ANN401 - pyarrow has no types
    valid = _valid(column)
    filled = pc.fill_null(pc.cast(column, pa.float64(), safe=False), 0.0)
    return Numbers(_numpy(filled).astype(np.float64, copy=False), valid)


def _texts(column: Any, *, csv: bool) -> Texts:  # noqa: ANN401 - pyarrow has no types
    """`csv`: an empty field is missing."""
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, pa.string())
    valid = _valid(column)
    encoded = pc.dictionary_encode(pc.fill_null(column, "")).unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    dictionary: list[str] = encoded.dictionary.to_pylist()
    codes = _numpy(encoded.indices).astype(np.int32, copy=False)
    if csv and "" in dictionary:
        present = codes != dictionary.index("")
        valid = present if valid is None else present & valid
    return Texts(dictionary or [""], codes, None if valid is None or valid.all() else valid)


def _mixed(texts: Texts) -> Values:
    """Tell numbers and text apart in a column of which the file does not say what it holds."""
    parsed = np.array([_parsed(text) for text in texts.dictionary])
    is_number = ~np.isnan(parsed)
    present = np.ones(texts.codes.size, np.bool_) if texts.valid is None else texts.valid
    is_number_row = is_number[texts.codes] & present
    missing = np.array([text in MISSING for text in texts.dictionary])[texts.codes]
    if is_number_row.sum() <= _NUMBERS_SHARE * (present & ~missing).sum():
        return Values(None, texts)
    numbers = Numbers(np.where(is_number_row, parsed[texts.codes], 0.0), is_number_row)
    faults = present & ~is_number_row & ~missing
    return Values(numbers, Texts(texts.dictionary, texts.codes, faults) if faults.any() else None)


def _parsed(text: str) -> float:
    """The number that a text is; NaN for everything else."""
    try:
        return float("nan" if "_" in text else text)  # Python would read 1_000
    except ValueError:
        return float("nan")


def _valid(column: Any) -> Bools | None:  # noqa: ANN401 - pyarrow has no types
    if not column.null_count:
        return None
    return _numpy(pc.is_valid(column)).astype(np.bool_, copy=False)


def _numpy(column: Any) -> NDArray[Any]:  # noqa: ANN401 - pyarrow has no types
    return np.asarray(column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy())
