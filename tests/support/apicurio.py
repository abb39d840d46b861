"""A real schema registry for the tests: Apicurio with Confluent's API, in memory, one process, from Maven."""

import json
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.support.kafka import ROOT, free_port, from_maven, tool
from tests.support.processes import spawn, tail
from tests.support.waiting import wait_for

VERSION: Final = "2.6.13.Final"
_ARTIFACT: Final = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
_HEAP: Final = ("-Xmx512m", "-XX:TieredStopAtLevel=1")


def _program(cache: Path = ROOT / ".cache") -> Path:
    """Return the jar that starts it, below the cache, where it is unpacked once."""
    home = cache / f"apicurio-{VERSION}"
    if not home.is_dir():
        [archive] = from_maven(f"apicurio-{VERSION}-archive", ["dependency:copy", f"-Dartifact={_ARTIFACT}"]).iterdir()
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            with tarfile.open(archive) as packed:
                packed.extractall(Path(scratch, "files"), filter="data")
            Path(scratch, "files").rename(home)
    return home / f"apicurio-registry-app-{VERSION}-runner.jar"


class Apicurio:
    """One registry; as a context manager it runs inside the block. What is registered is gone with it."""

    def __init__(self, directory: Path) -> None:
        """Choose the port; nothing is started."""
        self.port: Final = free_port()
        self.url: Final = f"http://127.0.0.1:{self.port}/apis/ccompat/v7"
        self._log = directory / "apicurio.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        place = ["-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={self.port}"]
        java = tool("java", "a Java 17 runtime")
        self._process = spawn([java, *_HEAP, *place, "-jar", _program()], log=self._log)
        wait_for(self._answers, f"Apicurio on {self.port} (its log: {self._log})", timeout_s=120)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def ask(self, method: str, path: str, body: dict[str, str] | None = None) -> tuple[int, Any]:
        """Return status and JSON of an answer."""
        data = None if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
        request = urllib.request.Request(self.url + path, data, kind, method=method)  # noqa: S310 - its own address
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - the same
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def register(self, subject: str, schema: str) -> int:
        """Register a schema; returns its id."""
        status, answer = self.ask("POST", f"/subjects/{subject}/versions", {"schema": schema})
        assert status == 200, answer
        return int(answer["id"])

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            message = f"Apicurio ended while starting:\n{tail(self._log)}"
            raise RuntimeError(message)
        try:
            return self.ask("GET", "/subjects")[0] == 200
        except (OSError, ValueError):
            return False
