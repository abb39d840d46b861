"""The errors of this room."""


class TableError(ValueError):
    """A file cannot be used; the message names the file, the column or the row, and what was expected."""


class ColumnError(TableError):
    """A column was asked for that the file does not have, or for two things at once: a usage error."""
