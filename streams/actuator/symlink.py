"""A link that names the version in service: `current -> versions/v2`, switched in one step."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kedge.schemas.records import Command
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.router import ConflictError, RouterError

__all__ = ["SymlinkRouter"]


class SymlinkRouter:
    """Switches a symbolic link between the folders of `versions`.

    A new link is made beside the old one and renamed over it, so that whoever reads finds one or the other, never
    none. The generation is the link's own inode and change time, which neither `ln` nor a deploy tool can set back: a
    link that was pointed elsewhere and back again by hand is another generation. Comparing and renaming happen under a
    lock on `.NAME.lock` beside the link; a deploy that takes it too (`flock`) can never come between.

    A freeze is a file beside the link, `.NAME.frozen`, which holds until when it stands (seconds since 1970-01-01 UTC):
    whoever deploys looks at it under that lock.

    Args:
        link: the link; it must be there before it can be switched.
        versions: the folder whose sub-folders are the versions.
    """

    def __init__(self, link: Path, versions: Path) -> None:
        self._link, self._versions = link, versions

    def observe(self) -> Observed:
        """See `Router`.

        Raises:
            RouterError: the link is not there, or is no link.
        """
        try:
            state, target = self._link.lstat(), self._link.readlink()
        except OSError as error:
            raise RouterError(f"{self._link} is no symbolic link: {error.strerror}") from error
        version = self._version(target)
        return Observed(
            version=version,
            generation=f"{state.st_ino:x}-{state.st_ctime_ns:x}",
            standby=tuple(name for name in self._names() if name != version),
            since=state.st_ctime_ns // 1_000_000,
        )

    def switch(self, command: Command, expected: str) -> Observed:
        """See `Router`."""
        target = self._folder(command.target_version)
        with self._locked():
            observed = self.observe()
            if observed.generation != expected:
                raise ConflictError(f"{self._link} was switched by somebody else, to {observed.version}")
            if not command.drill:
                self._point_to(target)
        return self.observe()

    def freeze(self, command: Command) -> None:
        """See `Rollout`."""
        with self._locked():
            if not command.drill:
                draft = self._beside("frozen.new")
                draft.write_text(f"{command.expires_at // 1_000}\n", encoding="ascii")
                _synced(draft)
                draft.replace(self._beside("frozen"))
                _synced(self._link.parent)

    def resume(self, command: Command) -> None:
        """See `Rollout`."""
        with self._locked():
            if not command.drill:
                self._beside("frozen").unlink(missing_ok=True)
                _synced(self._link.parent)

    def _version(self, target: Path) -> str:
        """Return the version's name; where the link leads elsewhere, all of the path: that is no version's name."""
        where = self._link.parent / target
        inside = where.parent.resolve() == self._versions.resolve()
        return where.name if inside else os.path.abspath(where)  # noqa: PTH100 - the link itself is not followed

    def _names(self) -> list[str]:
        try:
            return sorted(entry.name for entry in self._versions.iterdir() if _plain(entry.name) and entry.is_dir())
        except OSError as error:
            raise RouterError(f"{self._versions} cannot be read: {error.strerror}") from error

    def _folder(self, version: str) -> Path:
        # Only names that are there: a version is never taken for a path.
        if version not in self._names():
            raise RouterError(f"{self._versions} has no version {version!r}")
        return self._versions / version

    def _point_to(self, folder: Path) -> None:
        draft = self._beside("new")
        draft.unlink(missing_ok=True)  # a crash may have left it
        draft.symlink_to(os.path.relpath(folder.resolve(), self._link.parent.resolve()))
        draft.replace(self._link)
        _synced(self._link.parent)

    def _beside(self, ending: str) -> Path:
        return self._link.with_name(f".{self._link.name}.{ending}")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._beside("lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _synced(path: Path) -> None:
    """It is on the disk before anybody is told of it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _plain(name: str) -> bool:
    return not name.startswith(".")
