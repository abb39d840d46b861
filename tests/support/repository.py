"""Where the repository lies, and which files it is made of."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("detectors", "schemas", "streams")

_MADE = {".git", ".venv", ".cache", "dist", "build", "__pycache__"}


def files(*folders: str, suffix: str = "") -> Iterator[Path]:
    """Files below the folders (default: the whole repository) that a person wrote, sorted.

    Left out is what tools make: caches, environments, builds; links are not followed.
    """
    for folder in folders or (".",):
        for path in sorted((ROOT / folder).rglob(f"*{suffix}")):
            inside = path.relative_to(ROOT)
            made = any(part in _MADE or part.endswith(("_cache", ".egg-info")) for part in inside.parts)
            linked = any(parent.is_symlink() for parent in (path, *path.parents))
            if path.is_file() and not made and not linked and ".hypothesis" not in inside.parts:
                yield path
