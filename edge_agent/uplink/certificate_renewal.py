"""The client certificate, renewed before it ends: asked for by the log key, no person needed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.keys.key_files import KeyFileError, StateFiles
from edge_agent.uplink.enrol_link import ask
from edge_agent.uplink.failure import Failure
from edge_agent.uplink.tls_identity import (
    certificate_request,
    identity_file,
    new_key,
    read_identity,
)
from protocols.evidence.enrol import Approved, Denied, Request, sign_request

if TYPE_CHECKING:
    from edge_agent.keys.keys import Keys
    from edge_agent.uplink.transport import Transport

LOOK_S: Final = 3_600.0
_SERIAL: Final = "renewal"  # the log key says who asks; a serial is for tokens
_MAX_PEM_BYTES: Final = 16_384
_log = logging.getLogger(__name__)


class Renewal:
    """For the uplink's thread. `path`: the file that the transport presents."""

    def __init__(
        self, transport: Transport, keys: Keys, path: Path, utc_ms: Callable[[], int | None]
    ) -> None:
        self._transport = transport
        self._keys = keys
        self._files = StateFiles(path.parent)
        self._name = path.name
        self._utc_ms = utc_ms
        self._look_at = float("-inf")
        self._told = ""

    def look(self, now: float) -> None:
        """Once an hour: is it due? Whatever goes wrong is told once, and tried again."""
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        try:
            problem = self._renew()
        except (KeyFileError, OSError) as error:
            problem = str(error)
        if problem and problem != self._told:
            _log.warning("the client certificate is not renewed: %s", problem)
        self._told = problem

    def _renew(self) -> str:
        """What is wrong, "" where it is renewed or not due."""
        utc_ms = self._utc_ms()
        pem = self._files.read(self._name, _MAX_PEM_BYTES)
        if utc_ms is None or pem is None:
            return "" if pem is not None else f"{self._name} is gone; enroll this gateway again"
        identity = read_identity(pem)
        if not identity.is_due(utc_ms // 1000):
            return ""
        if identity.not_after_s <= utc_ms // 1000:
            self._transport.present(None)  # who refuses an old one may let nobody's in to ask
        key_pem = new_key()
        gateway, signer = self._keys.gateway, self._keys.signer
        csr = certificate_request(key_pem, gateway)
        request = Request(gateway, b"", _SERIAL, csr, signer.vkey, None)
        answer = ask(self._transport, sign_request(request, signer))
        if isinstance(answer, Failure):
            return f"{answer.problem}; {answer.remedy}"
        if isinstance(answer, Denied):
            return f"central refuses: {answer.reason}; {answer.remedy}"
        if not isinstance(answer, Approved) or not answer.certificate:
            return "central makes no certificates; look at its gateway CA"
        made = identity_file(key_pem, answer.certificate)
        self._files.write(self._name, made)
        self._transport.present(self._files.directory / self._name)
        _log.info("client certificate renewed: %s", read_identity(made).fingerprint)
        return ""
