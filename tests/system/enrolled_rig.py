"""A rig whose gateway comes in by a token, and whose secrets are known, to be looked for."""

from __future__ import annotations

import base64
import re
import sqlite3
from pathlib import Path

from tests.system.rig import GATEWAY, Rig

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
        """As `enter`, with the rig's own gateway."""
        self.enter(GATEWAY, "state")

    def enter(self, gateway: str, state: str, *options: str) -> None:
        """Token, request, approval, keys; what each command said is kept."""
        token = self.central_says(
            "gateway", "add", gateway, "--token", "--ca", "ca.pem", *WHO
        ).split()[-1]
        asked = ("--token", token, "--state", state, *options)
        self.enroll(1, *asked)
        listed = self.central_says("gateway", "list")
        waiting = re.search(r"WAITS for approval\t(\S+)", listed)
        assert waiting, listed
        self.central_says("gateway", "approve", gateway, waiting[1], *WHO)
        lines = self.enroll(0, *asked)
        assert f'id = "{gateway}"' in lines
        assert self.enroll(0, *asked).endswith(lines[lines.index("[gateway]") :])
        self.note_secrets()

    def central_says(self, *arguments: str) -> str:
        """An edge-central command on the store."""
        said = self.command("edge-central", *arguments[:2], "--store", "store", *arguments[2:])
        self.said.append(said)
        return said

    def enroll(self, status: int, *options: str) -> str:
        url = f"https://127.0.0.1:{self.link.port}"
        fixed = ("--url", url, "--serial", "b-1", "--wait", "0")
        said = self.command("edge-agent", "enroll", *options, *fixed, status=status)
        self.said.append(said)
        return said

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

    def head(self, gateway: str = GATEWAY) -> tuple[int, int]:
        """Where central's copy of the billing log ends: epoch and size."""
        with sqlite3.connect(f"file:{self.store / 'central.sqlite3'}?mode=ro", uri=True) as store:
            row = store.execute(
                "SELECT epoch, size FROM head WHERE log = 'billing' AND gateway = ? "
                "ORDER BY epoch DESC LIMIT 1",
                (gateway,),
            ).fetchone()
        return (-1, 0) if row is None else (int(row[0]), int(row[1]))

    def waits_for_more(self, what: str, leaves: int = 5, gateway: str = GATEWAY) -> None:
        """Central takes more billing leaves than it had."""
        epoch, size = self.head(gateway)
        self.wait(what, lambda: self.head(gateway) >= (max(epoch, 0), size + leaves))

    def proves(self, options: str, made: str) -> None:
        """Central exports, anybody verifies: every signature by the key of its place."""
        self.said.append(
            self.command("edge-central", "export", "--store", "store", *options.split())
        )
        self.said.append(self.command("edge-agent", "verify", made))

    def parcel(self) -> None:
        """What is carried by hand, beside the running agent."""
        key = self.command("edge-central", "parcel-key", "--store", "store").split()[-1]
        text = (self.directory / "gateway.toml").read_text()
        text = text.replace("[central]", f'[central]\nparcel_key = "{key}"')
        (self.directory / "parcel.toml").write_text(text)
        self.said.append(
            self.command("edge-agent", "export", "--config", "parcel.toml", "--out", "parcel")
        )

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
