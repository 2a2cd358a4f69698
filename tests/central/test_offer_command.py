"""`edge-central operator-key` and `offer`: the offline part, and central's."""

from pathlib import Path

import pytest

from central.cli import main
from protocols.evidence.note import Signer, Verifier
from protocols.evidence.offer import CONFIGURATION, READ_NOW, READ_RANGE, open_offer

KINDS = {
    CONFIGURATION: ["--file", "new.toml", "--base", "ab" * 32],
    READ_NOW: ["--device", "meter-1", "--point", "vm", "--point", "vb"],
    READ_RANGE: ["--run-id", "R1", "--from", "2026-12-01T08:00+08:00", "--to", "2026-12-02T08:00Z"],
    "support_bundle": [],
}
ITEMS = {
    CONFIGURATION: (bytes.fromhex("ab" * 32), b"[gateway]\n"),
    READ_NOW: ("meter-1", "vm", "vb"),
    READ_RANGE: ("R1", 1_796_083_200_000, 1_796_198_400_000),
    "support_bundle": (),
}


@pytest.fixture
def key(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> str:  # type: ignore[no-untyped-def]
    """An operator's key as op.key; its vkey."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.toml").write_bytes(b"[gateway]\n")
    assert main(["operator-key", "new", "--out", "op.key"]) == 0
    return capsys.readouterr().out.strip()


def sign(kind: str, *more: str) -> int:
    return main(
        [*("offer", "sign", "--key", "op.key", "--gateway", "gw-1", "--kind", kind, "--out"),
         *("offer.bin", "--who", "Li Wei", "--reason", "new range", "--number", "7", *more)]
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_an_offer_is_signed_without_a_store(key: str, kind: str) -> None:
    """On the operator's own machine; the gateway opens it."""
    assert sign(kind, *KINDS[kind]) == 0
    offer = open_offer(Path("offer.bin").read_bytes(), Verifier.from_vkey(key), "gw-1")
    assert (offer.number, offer.kind, offer.item) == (7, kind, ITEMS[kind])


def test_the_key_is_its_owners_and_never_replaced(key: str) -> None:
    """0600; a second one at the same place is refused."""
    assert Path("op.key").stat().st_mode & 0o777 == 0o600
    assert main(["operator-key", "new", "--out", "op.key"]) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([CONFIGURATION], "--file is missing"),
        ([CONFIGURATION, "--file", "new.toml"], "--base is missing"),
        ([CONFIGURATION, "--file", "new.toml", "--base", "nowhere"], "nowhere"),
        ([READ_NOW], "--device is missing"),
        ([READ_RANGE, "--run-id", "R1", "--from", "2026-12-01", "--to", "2026-12-02Z"], "offset"),
        ([READ_NOW, "--device", "m", "--days", "0"], "--days"),
        ([READ_NOW, "--device", "m", "--key", "no.key"], "operator-key new"),
    ],
)
def test_what_is_missing_is_told(
    key: str, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    """By option; nothing is written."""
    assert sign(*arguments) == 2
    assert told in capsys.readouterr().err
    assert not Path("offer.bin").exists()


def test_added_listed_withdrawn(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Central's part; it says who checks the signature."""
    main(["init", "--store", "store"])
    log_key = Signer.from_private_bytes("gw-1", b"g" * 32).vkey
    assert main(["gateway", "add", "--store", "store", "gw-1", log_key]) == 0
    sign(READ_NOW, "--device", "meter-1")
    capsys.readouterr()
    status = main(["offer", "add", "--store", "store", "offer.bin"])
    out, err = capsys.readouterr()
    if status != 0:
        pytest.fail(err)
    assert "offer 7 to gw-1: read_now; the gateway checks its signature" in out
    assert main(["offer", "list", "--store", "store"]) == 0
    assert capsys.readouterr().out.split("\t")[:3] == ["gw-1", "7", "read_now"]
    assert main(["offer", "withdraw", "--store", "store", "gw-1", "7"]) == 0
    assert main(["offer", "bundle", "--store", "store", "gw-1", "7", "--out", "x"]) == 2
