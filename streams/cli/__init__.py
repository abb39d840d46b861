"""`kedge`, the command line."""

import sys
from typing import Final

__all__ = ["main"]

_INSTALL: Final = (
    "kedge: this installation is the publisher's: {} is missing. Install it with: pip install 'kedge[service]'"
)


def main() -> int:
    """Run the command line; the console script. Needs the extra `service`, and says so where it is missing."""
    try:
        from kedge.streams.cli.root import kedge  # noqa: PLC0415 - only here it is known whether click is there
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("kedge"):
            raise
        sys.stderr.write(_INSTALL.format(error.name) + "\n")
        return 1
    result: object = kedge(prog_name="kedge", standalone_mode=True)
    return result if isinstance(result, int) else 0
