"""`kedge keys`."""

from pathlib import Path

from kedge.streams.trust import KeyRing, SigningKey
from tests.streams.cli.support import call, lines


def test_a_pair_is_made_of_which_others_can_read_the_public_key_alone(tmp_path: Path) -> None:
    made = lines(call("keys", "generate", tmp_path / "a" / "b", "--json"))[0]
    private, public = Path(made["private"]), Path(made["public"])
    assert [path.stat().st_mode & 0o777 for path in (private, public)] == [0o600, 0o644]
    assert SigningKey.load(private).key_id == made["key_id"]
    assert KeyRing.load(tmp_path / "a" / "b").key_ids == (made["key_id"],)


def test_a_key_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    call("keys", "generate", tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    again = call("keys", "generate", tmp_path)
    assert (again.exit_code, "is not overwritten" in again.stderr) == (1, True)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_names_of_keys_are_shown_and_nothing_of_the_keys(tmp_path: Path) -> None:
    key_id = lines(call("keys", "generate", tmp_path, "--json"))[0]["key_id"]
    private, public = tmp_path / "signing.key", tmp_path / f"{key_id}.pem"
    told = call("keys", "show", private)
    assert told.stdout == f"{key_id}  private: signs\n"
    for path in (public, tmp_path):
        assert lines(call("keys", "show", path, "--json")) == [{"signs": [], "trusted": [key_id]}]
    env = {"KEDGE_SIGNING_KEY_FILE": str(private), "KEDGE_TRUSTED_KEYS": str(tmp_path)}
    assert lines(call("keys", "show", "--json", env=env)) == [{"signs": [key_id], "trusted": [key_id]}]


def test_nothing_to_show_says_what_to_give() -> None:
    env = {"KEDGE_SIGNING_KEY_FILE": "", "KEDGE_TRUSTED_KEYS": ""}
    told = call("keys", "show", env=env)
    assert (told.exit_code, "give a PATH" in told.stderr) == (1, True)
