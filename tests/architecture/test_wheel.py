"""Users get the wheel: it is built from the sdist and tried where the source is not on the path."""

import subprocess
import sys
import tarfile
import textwrap
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.repository import ROOMS, ROOT, files


def _run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel that was built from it."""
    target = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", target, ROOT, cwd=target)
    return target


def _wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


def _environment(built: Path, lock: str, target: Path) -> Path:
    """A fresh environment with the wheel and what one lock names; returns its bin folder."""
    venv.create(target, with_pip=False)
    python = target / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "--quiet", "install")
    _run(*pip, "--no-compile", "--require-hashes", "-r", ROOT / "locks" / f"{lock}.lock", cwd=target)
    _run(*pip, "--no-deps", _wheel(built), cwd=target)
    return target / "bin"


def test_the_wheel_holds_every_file_of_the_rooms_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(_wheel(built)) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    written = {f"kedge/{path.relative_to(ROOT)}" for room in ROOMS for path in files(room)}
    assert packed == written | {"kedge/__init__.py", "kedge/py.typed"}


def test_the_sdist_holds_no_file_twice(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert len(names) == len(set(names))
    assert {name for name in names if name.startswith("src/")} == {"src/kedge/__init__.py", "src/kedge/py.typed"}
    assert not [name for name in names if name.startswith("tests/")]


def test_a_serving_node_needs_only_the_base_install(built: Path, tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import importlib.util
        import kedge

        for name in kedge.__all__:
            getattr(kedge, name)
        assert {"Publisher", "validate"} <= set(kedge.__all__), kedge.__all__
        for bare in ("detectors", "schemas", "streams", "tests", "faust", "scipy", "click"):
            assert importlib.util.find_spec(bare) is None, bare
        print(kedge.__file__)
        """
    )
    python = _environment(built, "base", tmp_path / "base") / "python"
    said = _run(python, "-I", "-c", program, cwd=tmp_path)
    assert said.startswith(str(tmp_path))


def test_an_actuator_needs_nothing_of_the_service(built: Path, tmp_path: Path) -> None:
    binaries = _environment(built, "actuator", tmp_path / "actuator")
    _run(binaries / "python", "-I", "-c", "import kedge; kedge.Actuator; import kedge.streams.trust", cwd=tmp_path)
    _run(binaries / "kedge", "keys", "generate", "keys", cwd=tmp_path)
    assert "symlink" in _run(binaries / "kedge", "actuator", "run", "--help", cwd=tmp_path)


def test_the_service_runs_from_the_wheel(built: Path, tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        from importlib.resources import files
        from kedge.schemas.codec import Codec
        import kedge.streams.worker

        assert [entry.name for entry in files("kedge.schemas").joinpath("avro").iterdir()]
        Codec()
        """
    )
    binaries = _environment(built, "service", tmp_path / "service")
    _run(binaries / "python", "-I", "-c", program, cwd=tmp_path)
    assert "worker" in _run(binaries / "kedge", "--help", cwd=tmp_path)
