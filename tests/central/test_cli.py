"""The command line, from end to end on a real store."""

import pytest

from central.cli import main
from protocols.evidence.note import KeyType, Signer, Verifier

GATEWAY_KEY = Signer.from_private_bytes("gw-1", b"g" * 32).vkey


@pytest.fixture
def run(tmp_path, capsys):
    def run_command(*words):
        status = main([*words, "--store", str(tmp_path / "store")])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run_command


def test_a_store_is_made_once(run):
    """A second init keeps the receipt key, which is one that signs receipts."""
    status, vkey, _ = run("init")
    assert status == 0
    assert Verifier.from_vkey(vkey.strip()).key_type is KeyType.COSIGNATURE
    assert run("init") == (0, vkey, "")
    assert run("receipt-key") == (0, vkey, "")


def test_gateways_are_registered(run):
    """A gateway appears in the list with its key; the same again is no error."""
    run("init")
    assert run("gateway", "add", "gw-1", GATEWAY_KEY)[:2] == (0, "gw-1 added\n")
    assert run("gateway", "add", "gw-1", GATEWAY_KEY)[:2] == (0, "gw-1 was registered already\n")
    told = run("gateway", "list")[1]
    assert told.startswith(f"gw-1\t{GATEWAY_KEY}\tmay upload\tlast upload never\tfingerprint ")


@pytest.mark.parametrize(
    ("gateway", "vkey", "told"),
    [
        ("GW 1", GATEWAY_KEY, "gateway id"),
        ("gw-2", GATEWAY_KEY, "the key is gw-1's"),
        ("gw-1", GATEWAY_KEY[:-2], "verifier key"),
        ("gw-1", "nonsense", "edge-agent key show"),
        (
            "gw-1",
            Signer.from_private_bytes("gw-1", b"g" * 32, KeyType.COSIGNATURE).vkey,
            "not the log key",
        ),
        ("gw-0", Signer.from_private_bytes("gw-0", b"x" * 32).vkey, "another key"),
    ],
)
def test_wrong_gateways_are_refused(run, gateway, vkey, told):
    """Ids and keys that cannot be, belong to another, or would replace a key, are told and left."""
    run("init")
    run("gateway", "add", "gw-0", Signer.from_private_bytes("gw-0", b"0" * 32).vkey)
    before = run("gateway", "list")
    status, out, error = run("gateway", "add", gateway, vkey)
    assert (status, out) == (2, "")
    assert told in error
    assert run("gateway", "list") == before


def test_a_missing_store_is_told(run):
    """Every command but init needs a store."""
    for words in (("gateway", "list"), ("rebuild",)):
        status, _, error = run(*words)
        assert status == 2
        assert "edge-central init" in error


def test_an_empty_store_rebuilds_to_nothing(run):
    """Rebuilding where nothing came is no error."""
    run("init")
    assert run("rebuild") == (0, "0 intervals from 0 leaves, 0 alarms\n", "")


def test_a_faulty_configuration_is_told(tmp_path, capsys):
    """serve does not start with faults, and tells them."""
    path = tmp_path / "central.toml"
    path.write_text("[store]\n")
    assert main(["serve", "--config", str(path)]) == 2
    assert "[store] dir: missing" in capsys.readouterr().err
