"""Central and a plant, and a gateway on which nothing was done yet: no key, no configuration."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

from simulators.certificates import make_certificates
from simulators.config_files import central_toml
from simulators.plant_process import PLANT_FILE
from tests.system.enrolled_rig import WHO, EnrolledRig
from tests.system.link import Link
from tests.system.rig import PROGRAMS, _free_port


class BareRig(EnrolledRig):
    """`buses`: where the plant answers, as gateway.toml says it."""

    buses: dict[str, dict[str, Any]]

    def token(self, gateway: str) -> str:
        """What the operator hands to the fitter."""
        said = self.central_says("gateway", "add", gateway, "--token", "--ca", "ca.pem", *WHO)
        self.said.pop()  # it may stand there, and nowhere else
        return said.split()[-1]

    def approves(self, gateway: str) -> None:
        """The operator, by the fingerprint that waits."""
        waiting = re.search(r"WAITS for approval\t(\S+)", self.central_says("gateway", "list"))
        assert waiting
        self.central_says("gateway", "approve", gateway, waiting[1], *WHO)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.link.port}"

    def _start_all(self) -> None:
        make_certificates(self.directory, datetime.datetime.now(datetime.UTC))
        self.command("edge-central", "init", "--store", "store")
        intake_port, self.page_port = _free_port(), _free_port()
        self.link = Link(intake_port)
        (self.directory / "central.toml").write_text(
            central_toml("store", f"127.0.0.1:{intake_port}", f"127.0.0.1:{self.page_port}")
        )
        self.commands = {
            "plant": [str(PROGRAMS / "edge-sim"), "plant", "--dir", "plant"],
            "central": [str(PROGRAMS / "edge-central"), "serve", "--config", "central.toml"],
            "agent": [str(PROGRAMS / "edge-agent"), "run", "--config", "gateway.toml"],
        }
        self.start("central")
        self.start("plant")
        place = self.directory / "plant" / PLANT_FILE
        self.wait("the plant", place.exists)
        self.wait("central's page", lambda: self.summary() is not None)
        self.buses = json.loads(place.read_text())["buses"]
