"""The gateway's secrets: made whole or not at all, never overwritten, never readable by others."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.keys.keys import LOG_KEY, SALT_SECRET, KeyFileError, create_keys, load_keys
from protocols.evidence.note import Verifier


def counting(count: int) -> bytes:
    return bytes(range(count))


def test_what_is_made_is_what_is_loaded(tmp_path: Path) -> None:
    """The public key is that of the private bytes, under the gateway's name."""
    made = create_keys(tmp_path / "state", "gw-1", counting)
    loaded = load_keys(tmp_path / "state")
    assert loaded.signer.vkey == made.signer.vkey
    assert loaded.salt_secret == counting(32)
    assert Verifier.from_vkey(made.signer.vkey).name == loaded.gateway == "gw-1"


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    """0600 in a directory of 0700, and no half-written file is left beside them."""
    state = tmp_path / "state"
    create_keys(state, "gw-1", counting)
    assert state.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in state.iterdir()) == [LOG_KEY, SALT_SECRET]
    assert {path.stat().st_mode & 0o777 for path in state.iterdir()} == {0o600}


def test_a_log_key_is_never_overwritten(tmp_path: Path) -> None:
    """A second `key new` is refused and changes nothing."""
    create_keys(tmp_path, "gw-1", counting)
    before = (tmp_path / LOG_KEY).read_bytes()
    with pytest.raises(KeyFileError, match="exists; keep it"):
        create_keys(tmp_path, "gw-1", lambda count: bytes(count))
    assert (tmp_path / LOG_KEY).read_bytes() == before


def test_a_crash_between_the_two_files_is_made_good(tmp_path: Path) -> None:
    """A salt secret without a log key is kept and used."""
    create_keys(tmp_path, "gw-1", counting)
    (tmp_path / LOG_KEY).unlink()
    keys = create_keys(tmp_path, "gw-1", lambda count: b"k" * count)
    assert keys.salt_secret == counting(32)


@pytest.mark.parametrize("gateway", ["", "GW", "a/b", "a b", "x" * 64, "-a"])
def test_a_gateway_id_is_checked(tmp_path: Path, gateway: str) -> None:
    """It becomes part of every origin."""
    with pytest.raises(KeyFileError, match="is not usable"):
        create_keys(tmp_path / "state", gateway, counting)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gas-gateway log-key v1\ngw-1\n",
        "gas-gateway log-key v2\ngw-1\nAAAA\n",
        "gas-gateway log-key v1\ngw-1\nAAAA\n",
        "gas-gateway log-key v1\ngw-1\n!!!!\n",
        "gas-gateway log-key v1\nGW\n" + "A" * 43 + "=\n",
        "gas-gateway salt-secret v1\ngw-1\n" + "A" * 43 + "=\n",
        "x" * 5000,
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    """With what to do; its content is not repeated."""
    create_keys(tmp_path, "gw-1", counting)
    (tmp_path / LOG_KEY).write_text(text)
    with pytest.raises(KeyFileError, match="is damaged; restore it") as caught:
        load_keys(tmp_path)
    assert "AAAA" not in str(caught.value)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """And the remedy is the command."""
    create_keys(tmp_path, "gw-1", counting)
    (tmp_path / LOG_KEY).chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_keys(tmp_path)


def test_missing_keys_name_the_command(tmp_path: Path) -> None:
    """A new gateway's first error says how to go on."""
    with pytest.raises(KeyFileError, match="edge-agent key new"):
        load_keys(tmp_path)


def test_the_files_of_two_gateways_do_not_mix(tmp_path: Path) -> None:
    """A salt secret of another gateway would make salts that central cannot check."""
    create_keys(tmp_path / "a", "gw-a", counting)
    create_keys(tmp_path / "b", "gw-b", counting)
    (tmp_path / "b" / SALT_SECRET).replace(tmp_path / "a" / SALT_SECRET)
    with pytest.raises(KeyFileError, match="belongs to 'gw-b'"):
        load_keys(tmp_path / "a")
