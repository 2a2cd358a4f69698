"""Reads [remote]: what a distant operator may change, and how a change must prove itself."""

from __future__ import annotations

from edge_agent.config.fields import Section
from edge_agent.config.model import RemoteConfig
from protocols.evidence.errors import EvidenceError
from protocols.evidence.note import KeyType, Verifier


def read_remote(section: Section) -> RemoteConfig:
    """Nothing is taken from afar where there is no `operator_key`."""
    key = section.text("operator_key", default="")
    if key:
        _check_key(section, key)
    remote = RemoteConfig(
        operator_key=key,
        consent=section.flag("consent", default=True),
        trial_s=float(section.number("trial_seconds", "5", "3600", 300)),
    )
    section.done()
    return remote


def _check_key(section: Section, text: str) -> None:
    remedy = "copy what edge-central operator-key new prints"
    try:
        verifier = Verifier.from_vkey(text)
    except EvidenceError as error:
        section.fault("operator_key", str(error), remedy)
        return
    if verifier.key_type is not KeyType.NOTE:
        section.fault("operator_key", "is no key for offers", remedy)
