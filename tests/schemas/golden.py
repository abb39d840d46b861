"""Golden bytes: each record as it is written, kept as hex in a file named for the record and its schema's fingerprint.

`python -m tests.schemas.golden` writes the files that are missing. It never changes one: bytes that came out otherwise
for the same schema are a broken writer, not a new golden file. A file whose schema was never released may be deleted.
"""

import sys
import textwrap
from pathlib import Path

from kedge.schemas.codec import Codec
from kedge.schemas.contracts import current
from kedge.schemas.fingerprint import fingerprint
from kedge.schemas.schema import Record
from tests.schemas.samples import SAMPLES

FOLDER = Path(__file__).resolve().parent / "golden"


def path_of(schema: Record) -> Path:
    """Where the golden bytes of a schema lie."""
    return FOLDER / f"{schema.short_name}-{fingerprint(schema).hex()}.hex"


def read(path: Path) -> bytes:
    """The bytes in a golden file."""
    return bytes.fromhex(path.read_text())


def files() -> list[Path]:
    """Every golden file there is."""
    return sorted(FOLDER.glob("*.hex"))


def main() -> int:
    """Write the golden files that are missing."""
    FOLDER.mkdir(exist_ok=True)
    for name, schema in current().items():
        path = path_of(schema)
        if not path.exists():
            path.write_text(textwrap.fill(Codec().encode(SAMPLES[name]).hex(), 100) + "\n")
            sys.stdout.write(f"{path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
