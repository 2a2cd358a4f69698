"""Reads [central]: where batches go, by what central is known, and how the link is used."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import urlsplit

from edge_agent.config.connection_windows import MAX_WINDOWS, ConnectionWindows, parse_windows
from edge_agent.config.fields import Section, without_login
from edge_agent.config.model import CentralConfig
from protocols.evidence.errors import EvidenceError
from protocols.evidence.note import KeyType, Verifier
from protocols.evidence.parcel import ParcelKey

BYTES_PER_S = 250_000


def read_central(section: Section, base: Path, zone: str) -> CentralConfig:
    """`base`: where relative paths begin; `zone`: the site's, for the windows of the day."""
    url = section.text("url", r"https://[!-~]+")
    if url:
        _check_url(section, "url", url)
    ca = base / section.text("ca")
    if section.has("ca"):
        _check_ca(section, ca)
    receipt_key = section.text("receipt_key")
    if receipt_key:
        _check_key(section, "receipt_key", receipt_key, KeyType.COSIGNATURE)
    order_key = section.text("order_key", default="")
    if order_key:
        _check_key(section, "order_key", order_key, KeyType.NOTE)
    proxy = section.text("proxy", r"http://[!-~]+", "")
    if proxy:
        _check_url(section, "proxy", proxy)
    central = CentralConfig(
        url=url.rstrip("/"),
        ca=ca,
        receipt_key=receipt_key,
        batch_s=float(section.number("batch_seconds", "0.5", "86400", 300)),
        deadline_s=float(section.number("deadline_seconds", "1", "600", 30)),
        drain_s=float(section.number("drain_seconds", "0", "60", 2)),
        order_key=order_key,
        parcel_key=_parcel_key(section),
        proxy=proxy.rstrip("/"),
        bytes_per_s=section.integer("bytes_per_second", 100, 100_000_000, BYTES_PER_S),
        windows=_windows(section, zone),
        urgent_connects=section.flag("urgent_connects", True),
        client_certificate=_client_certificate(section, base),
    )
    section.done()
    return central


def _check_url(section: Section, field: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:
        usable = False
    if not usable:
        remedy = f"write {url.partition('://')[0]}://host:port"
        section.fault(field, f"{without_login(url)[:80]!r} names no host", remedy)


def _may_look(path: Path) -> bool:
    """Whether this user may enter the folder at all.

    Technicians read gateway.toml, and not what lies in the state directory: they ask the agent,
    which has judged it, and never connect with it themselves.
    """
    try:
        path.is_file()
    except PermissionError:
        return False
    return True


def _check_ca(section: Section, ca: Path) -> None:
    remedy = "copy central's CA certificate (PEM) there"
    if not _may_look(ca):
        return
    if not ca.is_file():
        section.fault("ca", f"{ca} is no file", remedy)
        return
    try:
        ssl.create_default_context(cafile=ca)
    except OSError as error:  # SSLError is one
        section.fault("ca", f"{ca} holds no certificate: {error}", remedy)


def _check_key(section: Section, field: str, text: str, key_type: KeyType) -> None:
    """Each of central's keys is for one thing, and its type says for which."""
    remedy = f"copy what edge-central {field.replace('_', '-')} prints"
    try:
        verifier = Verifier.from_vkey(text)
    except EvidenceError as error:
        section.fault(field, str(error), remedy)
        return
    if verifier.key_type is not key_type:
        section.fault(field, f"is no key for {field.removesuffix('_key')}s", remedy)


def _client_certificate(section: Section, base: Path) -> Path | None:
    """One PEM file of the gateway's own, because it is replaced in one step."""
    text = section.text("client_certificate", default="")
    if not text:
        return None
    path = base / text
    if not _may_look(path):
        return path
    remedy = "it is what edge-agent enroll wrote as tls.pem; without a terminator leave it out"
    try:
        ssl.create_default_context().load_cert_chain(path)
    except OSError as error:  # SSLError is one
        section.fault("client_certificate", f"{path}: {error.strerror or error}", remedy)
    return path


def _parcel_key(section: Section) -> str:
    text = section.text("parcel_key", default="")
    if text:
        try:
            ParcelKey.parse(text)
        except EvidenceError as error:
            section.fault("parcel_key", str(error), "copy what edge-central parcel-key prints")
    return text


def _windows(section: Section, zone: str) -> ConnectionWindows:
    texts = section.texts("connect_windows", MAX_WINDOWS, ["always"])
    if not section.has("connect_windows"):
        return ConnectionWindows(zone)
    windows = parse_windows(zone, texts)
    if isinstance(windows, ConnectionWindows):
        return windows
    section.fault("connect_windows", f"{windows[:40]!r} is none", 'write "22:00-06:00"')
    return ConnectionWindows(zone)
