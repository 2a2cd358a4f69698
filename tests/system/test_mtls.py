"""Enrolled through a real nginx that asks for certificates, and uploading through it."""

from __future__ import annotations

from pathlib import Path

import pytest

from central.intake.alarms import intake_alarms
from central.store.database import open_store
from tests.central.nginx import MISSING, NGINX, Terminator
from tests.system.books import law_holds
from tests.system.enrolled_rig import EnrolledRig

HEADER = 'client_identity_header = "Gas-Client-Identity"\n'


class MtlsRig(EnrolledRig):
    """The gateway's link ends at nginx; the agent shows the certificate that it was given."""

    def enroll(self, token: str, status: int) -> str:
        if not hasattr(self, "terminator"):
            self._put_nginx_between()
        return super().enroll(token, status)

    def _put_nginx_between(self) -> None:
        port = self.link.target_port
        path = self.directory / "central.toml"
        path.write_text(path.read_text().replace("[web]", HEADER + "[web]"))
        self.stop("central")
        self.start("central")
        self.wait("central's page", lambda: self.summary() is not None)
        self.terminator = Terminator(self.directory, self.store, port)
        self.link.target_port = self.terminator.port

    def _place_agent(self) -> None:
        path = self.directory / "gateway.toml"
        line = '[central]\nclient_certificate = "state/tls.pem"\n'
        path.write_text(path.read_text().replace("[central]\n", line))

    def __exit__(self, *reason: object) -> None:
        super().__exit__(*reason)
        if hasattr(self, "terminator"):
            self.terminator.close()


@pytest.mark.long
@pytest.mark.skipif(NGINX is None, reason=MISSING)
def test_a_gateway_enrols_and_uploads_through_a_terminator(tmp_path: Path) -> None:
    """Without a certificate it may only enrol; with its own everything arrives, and no alarm."""
    with MtlsRig(tmp_path) as rig:
        rig.waits_for_more("batches through nginx")
        rig.stop("agent")
        rig.wait("the ledger", rig.has_followed)
        path = tmp_path / "gateway.toml"
        text = path.read_text()
        path.write_text(text.replace('client_certificate = "state/tls.pem"\n', ""))
        before = rig.head()
        rig.start("agent")
        rig.wait("the refusal", lambda: "client certificate must be" in rig.log("agent"))
        assert rig.head() == before
        path.write_text(text)
        rig.stop("agent")
        rig.start("agent")
        rig.waits_for_more("batches with the certificate again")
        rig.stop("agent")
        rig.wait("the ledger", rig.has_followed)
        rig.stop("central")
        assert law_holds(rig)
        store = open_store(rig.store)
        with store.engine.connect() as conn:
            assert {alarm.code for alarm in intake_alarms(conn)} == {"wrong-origin"}
        store.close()
