"""CSV and Parquet files as columns: what fits the reference and what is replayed."""

from kedge.streams.tables.errors import ColumnError, TableError
from kedge.streams.tables.frame import Frame, read_frame
from kedge.streams.tables.roles import Roles

__all__ = ["ColumnError", "Frame", "Roles", "TableError", "read_frame"]
