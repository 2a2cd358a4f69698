"""From a token to a rotated key, and from a clone to a new one: real programs, real central."""

from __future__ import annotations

import base64
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from central.ledger.law import law
from central.store.database import open_store
from tests.system.rig import GATEWAY, PROGRAMS, Rig

SECOND = "gateway gw-1, boot 0"  # what each start of an agent says first
WHO = ("--who", "Li Wei", "--reason", "test")
SECRET_FILES = ("log.key", "log.key.next", "log.key.old", "salt.secret", "enrol.key")


class EnrolledRig(Rig):
    """A rig whose gateway comes in by a token."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.secrets: set[bytes] = set()
        self.said: list[str] = []

    def make_keys(self) -> None:
        """They are made by `enroll`."""

    def admit(self) -> None:
        """Token, request, approval, keys; what each command said is kept."""
        token = self.central_says(
            "gateway", "add", GATEWAY, "--token", "--ca", "ca.pem", *WHO
        ).split()[-1]
        self.enroll(token, 1)
        listed = self.central_says("gateway", "list")
        waiting = re.search(r"WAITS for approval\t(\S+)", listed)
        assert waiting, listed
        self.central_says("gateway", "approve", GATEWAY, waiting[1], *WHO)
        lines = self.enroll(token, 0)
        assert f'id = "{GATEWAY}"' in lines
        assert self.enroll(token, 0).endswith(lines[lines.index("[gateway]") :])
        self.note_secrets()

    def central_says(self, *arguments: str) -> str:
        """An edge-central command on the store."""
        said = self.command("edge-central", *arguments[:2], "--store", "store", *arguments[2:])
        self.said.append(said)
        return said

    def enroll(self, token: str, status: int) -> str:
        done = subprocess.run(
            [str(PROGRAMS / "edge-agent"), "enroll", "--state", "state", "--token", token,
             "--url", f"https://127.0.0.1:{self.link.port}", "--serial", "b-1", "--wait", "0"],
            cwd=self.directory, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        self.said.append(done.stdout + done.stderr)
        return done.stdout

    def key(self) -> str:
        """The log key in force, as `key show` prints it."""
        said = self.command("edge-agent", "key", "show", "--state", "state")
        self.said.append(said)
        return said.split("\n")[0]

    def note_secrets(self) -> None:
        """What nobody but the state directory may ever hold: base64 and bytes."""
        for name in SECRET_FILES:
            path = self.directory / "state" / name
            if path.exists():
                encoded = path.read_bytes().split(b"\n")[2]
                self.secrets |= {encoded, base64.b64decode(encoded)}
        for name in ("tls.pem", "enrol.tls"):
            path = self.directory / "state" / name
            if path.exists():
                self.secrets.add(path.read_bytes().split(b"\n")[1])

    def head(self, log: str = "billing") -> tuple[int, int]:
        """Where central's copy of a log ends: epoch and size."""
        with sqlite3.connect(f"file:{self.store / 'central.sqlite3'}?mode=ro", uri=True) as store:
            row = store.execute(
                "SELECT epoch, size FROM head WHERE log = ? ORDER BY epoch DESC LIMIT 1", (log,)
            ).fetchone()
        return (-1, 0) if row is None else (int(row[0]), int(row[1]))

    def waits_for_more(self, what: str, leaves: int = 5) -> None:
        """Central takes more billing leaves than it had."""
        epoch, size = self.head()
        self.wait(what, lambda: self.head() >= (epoch, size + leaves))

    def leaks(self) -> list[str]:
        """Files outside the state directories, and outputs, that hold a secret."""
        found = []
        for path in sorted(self.directory.rglob("*")):
            inside = path.parent.name in ("state", "clone")
            if path.is_file() and not (inside and path.name in (*SECRET_FILES, "tls.pem")):
                data = path.read_bytes()
                found += [str(path) for secret in self.secrets if secret in data]
        for text in self.said:
            found += [text for secret in self.secrets if secret in text.encode()]
        return found


def law_holds(rig: Rig) -> bool:
    """End index less start index is what central has booked, of every total."""
    store = open_store(rig.store)
    try:
        with store.engine.connect() as conn:
            rows = law(conn)
    finally:
        store.close()
    assert all(row.holds for row in rows), [row for row in rows if not row.holds]
    return any(row.moved_counts > 0 for row in rows)


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
        for name in ("agent", "clone"):
            rig.wait(f"the {name} is told", lambda name=name: "is stopped: clone" in rig.log(name))
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
