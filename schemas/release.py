"""`python -m kedge.schemas.release VERSION`: keep what this release writes, for every later one to read.

Copies `schemas/avro` to `schemas/released/VERSION`, to be committed with the release. A version is written once.
"""

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from kedge.schemas.compatibility import incompatibilities

__all__ = ["main", "release"]

_ROOT = Path(__file__).resolve().parent


def release(version: str, root: Path = _ROOT) -> Path:
    """Copy the schemas under `root` and return the new folder; `ValueError` says why not."""
    if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", version):
        raise ValueError(f"{version} is no version such as 1.2.3")
    folder = root / "released" / version
    if folder.exists():
        raise ValueError(f"{version} is released already: what it wrote cannot change")
    problems = list(incompatibilities())
    if problems:
        raise ValueError("\n".join(problems))
    shutil.copytree(root / "avro", folder)
    return folder


def main(arguments: Sequence[str]) -> int:
    """Release the version named by the one argument; returns the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m kedge.schemas.release VERSION\n")
        return 2
    try:
        folder = release(arguments[0])
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
