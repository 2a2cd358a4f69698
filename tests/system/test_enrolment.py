"""From a token to a rotated key, and from a clone to a new one: real programs, real central."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from central.ledger.replaced import replacements, seams
from central.store.database import open_store
from tests.system.books import law_holds
from tests.system.enrolled_rig import WHO, EnrolledRig
from tests.system.rig import GATEWAY, PROGRAMS

SECOND = "gateway gw-1, boot 0"  # what each start of an agent says first


def follows(summary: Mapping[str, Any] | None) -> bool:
    """The ledger is at the log's end; scans that were never sent may be missing for ever."""
    return summary is not None and summary["ledger_leaves"] == summary["leaves"]


@pytest.mark.long
def test_a_token_lets_in_and_a_rotation_leaves_the_new_key_alone(tmp_path: Path) -> None:
    """Enrolled, sending, rotated while it runs; central goes by the new key, nothing is lost.

    Nothing that any of the programs wrote holds a private key.
    """
    with EnrolledRig(tmp_path) as rig:
        old = rig.key()
        rig.waits_for_more("the first batches")
        rotated = rig.command(
            "edge-agent", "key", "rotate", "--state", "state", *WHO
        )  # fmt: skip
        rig.said.append(rotated)
        assert "is recorded" in rotated or "is in force" in rotated, rotated
        rig.note_secrets()
        state = tmp_path / "state"
        rig.wait(
            "the end of the rotation",
            lambda: rig.key() != old and not (state / "rotation").exists(),
        )
        rig.waits_for_more("batches of the new key")
        rig.parcel()
        new = rig.command("edge-central", "receipt-key", "rotate", "--store", "store").split()[-1]
        rig.waits_for_more("batches with the new receipt key", leaves=8)
        rig.wait("the new receipt key", (state / "receipt.keys").exists)
        assert new.encode() in (state / "receipt.keys").read_bytes()
        listed = rig.central_says("gateway", "list")
        assert f"{rig.key()} and 1 before" in listed
        assert "rotated" in rig.central_says("gateway", "acts")
        rig.stop("agent")
        rig.wait("the ledger", rig.has_followed)
        rig.stop("central")
        assert law_holds(rig)
        rig.proves(f"--gateway {GATEWAY} --out export", "export")
        assert not (state / "log.key.next").exists()
        assert len(rig.secrets) >= 7
        assert rig.leaks() == []


@pytest.mark.long
def test_a_clone_is_found_and_a_new_key_goes_on(tmp_path: Path) -> None:
    """Two machines with one key: both stand still, until the true one is enrolled again."""
    with EnrolledRig(tmp_path) as rig:
        rig.waits_for_more("the first batches")
        rig.stop("agent")
        shutil.copytree(tmp_path / "state", tmp_path / "clone")
        text = (tmp_path / "gateway.toml").read_text()
        (tmp_path / "clone.toml").write_text(
            text.replace('state_dir = "state"', 'state_dir = "clone"')
        )
        rig.start("agent")
        rig.waits_for_more("the true gateway's batches")
        clone = [str(PROGRAMS / "edge-agent"), "run", "--config", "clone.toml"]
        rig.commands["clone"] = clone
        rig.start("clone")
        rig.wait("the stop", lambda: "clone" in rig.central_says("gateway", "list"))
        for name in ("agent", "clone"):  # either of them may be the one whose batch gives it away
            rig.wait(f"the {name} is told", lambda name=name: "two machines use" in rig.log(name))
        rig.stop("agent")
        rig.stop("clone")
        before = rig.head()
        old = rig.key()
        rig.admit()
        assert rig.key() != old
        rig.start("agent")
        rig.wait("the new epoch", lambda: rig.head()[0] > before[0])
        rig.waits_for_more("batches of the new key")
        epoch = rig.head()[0]
        rig.start("clone")
        rig.waits_for_more("batches beside the clone", leaves=15)
        assert rig.head()[0] == epoch
        rig.wait("the clone's refusal", lambda: "not sent" in rig.log("clone").split(SECOND)[-1])
        assert "stopped" not in rig.central_says("gateway", "list")
        rig.stop("agent")
        rig.stop("clone")
        rig.wait("the ledger", rig.has_followed)
        rig.command(
            "edge-central", "export", "--store", "store", "--gateway", GATEWAY, "--out", "x"
        )
        flaws = rig.command("edge-agent", "verify", "x", status=1)
        assert "whose hash is" in flaws  # what the clone said again is not what central holds
        proof = ("--gateway", GATEWAY, "--log", "telemetry", "--epoch", "0", "--seq", "1")
        rig.command("edge-central", "prove", "--store", "store", *proof, "--out", "proof")
        assert rig.command("edge-agent", "verify", "proof")  # of before the clone, by the old key


@pytest.mark.long
def test_rotations_under_kills_lose_nothing(tmp_path: Path) -> None:
    """Four rotations among kills of agent and central and cut links; the first law holds after."""
    rng = random.Random(20261126)
    pause = threading.Event()
    with EnrolledRig(tmp_path) as rig:
        rig.waits_for_more("the first batches")
        for _ in range(4):
            old = rig.key()
            rig.command("edge-agent", "key", "rotate", "--state", "state", *WHO)
            for victim in ("agent", "central", "agent", "link", "agent"):
                pause.wait(rng.uniform(0.0, 1.5))
                if victim == "link":
                    rig.link.cut(after_bytes=rng.randrange(6000))
                    pause.wait(rng.uniform(0.3, 1.5))
                    rig.link.mend()
                else:
                    rig.kill(victim)
                    rig.start(victim)
            rig.wait("the end of the rotation", lambda old=old: rig.key() != old)
            rig.wait("its end at the gateway", lambda: not (tmp_path / "state/rotation").exists())
        assert f"{rig.key()} and 4 before" in rig.central_says("gateway", "list")
        rig.stop("agent")
        rig.wait("the ledger", rig.has_followed)
        rig.stop("central")
        assert law_holds(rig)
        rig.proves(f"--gateway {GATEWAY} --out export", "export")


@pytest.mark.long
def test_a_new_gateway_takes_a_broken_ones_place(tmp_path: Path) -> None:
    """Another id, another log; the meters' indexes go on, and what nobody saw is told."""
    with EnrolledRig(tmp_path) as rig:
        rig.waits_for_more("the first batches", leaves=20)
        rig.kill("agent")
        shutil.rmtree(tmp_path / "state")
        rig.enter("gw-2", "state-2", "--replaces", GATEWAY)
        text = (tmp_path / "gateway.toml").read_text()
        text = text.replace(f'"{GATEWAY}"', '"gw-2"').replace('"state"', '"state-2"')
        (tmp_path / "gateway.toml").write_text(text)
        rig.start("agent")
        rig.waits_for_more("batches of the new gateway", 20, "gw-2")
        rig.stop("agent")
        rig.wait("the ledger", lambda: follows(rig.summary()))
        rig.stop("central")
        assert law_holds(rig)
        store = open_store(rig.store)
        try:
            with store.engine.connect() as conn:
                [told] = replacements(conn, "gw-2")
                seams_of = [seams(conn, "gw-2", run) for run in rig.books()["runs"]]
        finally:
            store.close()
        assert (told.gateway, told.old_gateway, told.is_confirmed) == ("gw-2", GATEWAY, True)
        assert not (tmp_path / "state-2" / "replaces").exists()
        for [seam] in seams_of:
            assert seam.unseen_counts is not None
            assert seam.unseen_counts >= 0
            assert seam.index_after is not None
