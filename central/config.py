"""central.toml, read once into one frozen object; every fault at once, by field and remedy."""

import ipaddress
import re
import ssl
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from central.regular_file import read_regular

MAX_FILE_BYTES: Final = 64 * 1024

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "store": ("dir",),
    "intake": ("listen", "cert", "key"),
    "web": ("listen",),
}
_REQUIRED: Final = ("store", "intake")
_OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {"intake": ("ca", "client_identity_header")}
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}\Z", re.ASCII)


class Listen(NamedTuple):
    """An address to listen on; port 0 takes any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class CentralConfig:
    """What `edge-central serve` needs; paths are absolute; `web` None: no page.

    `ca`: what gateways believe `cert` by; None: the last certificate in it.
    `client_identity_header`: of a TLS terminator on this machine that verified a gateway's
    certificate; None: gateways connect directly.
    """

    store_dir: Path
    intake: Listen
    cert: Path
    key: Path
    web: Listen | None
    ca: Path | None = None
    client_identity_header: str | None = None


class ConfigErrors(Exception):  # noqa: N818 - one error that carries many faults
    """All faults of the file at once, one a line."""

    def __init__(self, name: str, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{name}: {fault}" for fault in self.faults))


def load_config(path: Path) -> CentralConfig:
    """Read and check the file, and try its certificate. Raises ConfigErrors."""
    try:
        data = read_regular(path, MAX_FILE_BYTES)
    except OSError as error:
        raise ConfigErrors(str(path), [f"cannot be read: {error.strerror}"]) from None
    if len(data) > MAX_FILE_BYTES:
        raise ConfigErrors(str(path), [f"longer than {MAX_FILE_BYTES} bytes"])
    config = parse_config(data.decode("utf-8", "replace"), path.parent.resolve(), str(path))
    faults = _certificate_faults(config)
    if faults:
        raise ConfigErrors(str(path), faults)
    return config


def parse_config(text: str, directory: Path, name: str) -> CentralConfig:
    """The configuration in `text`; paths are relative to `directory`. Raises ConfigErrors."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigErrors(name, [f"not TOML: {error}"]) from None
    faults = _shape_faults(tables)
    intake = _listen(tables, "intake", faults)
    web = _listen(tables, "web", faults)
    if web is not None and not _is_loopback(web.host):
        faults.append(
            f"[web] listen = {web}: plain HTTP stays on the loopback; put a TLS terminator in front"
        )
    store_dir, cert, key, ca = (
        _text(tables, table, field)
        for table, field in (
            ("store", "dir"), ("intake", "cert"), ("intake", "key"), ("intake", "ca")
        )
    )  # fmt: skip
    header = _text(tables, "intake", "client_identity_header")
    faults += _header_faults(header, intake)
    if faults or intake is None:
        raise ConfigErrors(name, faults)
    return CentralConfig(
        directory / store_dir,
        intake,
        directory / cert,
        directory / key,
        web,
        directory / ca if ca else None,
        header or None,
    )


def _header_faults(header: str, intake: Listen | None) -> list[str]:
    """Whoever reaches the intake beside the terminator could claim to be any gateway."""
    if not header:
        return []
    faults = []
    if not _HEADER.match(header):
        faults.append(
            f'[intake] client_identity_header = "{header[:80]}": letters, digits and "-" only'
        )
    if intake is not None and not _is_loopback(intake.host):
        faults.append(
            f"[intake] listen = {intake}: with client_identity_header only the terminator on this "
            "machine may connect; listen on 127.0.0.1"
        )
    return faults


def _shape_faults(tables: Mapping[str, Any]) -> list[str]:
    """Unknown and missing tables and fields, and fields that are no text."""
    known = ", ".join(f"[{table}]" for table in _FIELDS)
    faults = [f"[{table}]: unknown; known: {known}" for table in tables if table not in _FIELDS]
    faults += [f"[{table}]: missing" for table in _REQUIRED if table not in tables]
    for table, fields in _FIELDS.items():
        if table not in tables:
            continue
        content = tables[table]
        if not isinstance(content, dict):
            faults.append(f"{table}: must be a table, [{table}]")
            continue
        optional = _OPTIONAL.get(table, ())
        faults += [
            f"[{table}] {field}: unknown; known: {', '.join((*fields, *optional))}"
            for field in content
            if field not in (*fields, *optional)
        ]
        for field in (*fields, *optional):
            if field not in content:
                if field not in optional:
                    faults.append(f"[{table}] {field}: missing")
            elif not isinstance(content[field], str) or not content[field]:
                faults.append(f"[{table}] {field}: must be a text")
    return faults


def _text(tables: Mapping[str, Any], table: str, field: str) -> str:
    """The field, or "" where it has a fault that was told already."""
    content = tables.get(table)
    value = content.get(field) if isinstance(content, dict) else None
    return value if isinstance(value, str) else ""


def _listen(tables: Mapping[str, Any], table: str, faults: list[str]) -> Listen | None:
    text = _text(tables, table, "listen")
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        faults.append(f'[{table}] listen = "{text[:80]}": must be "address:port"')
        return None
    return Listen(host, int(port))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _certificate_faults(config: CentralConfig) -> list[str]:
    faults = [
        f"[intake] {field} = {path}: no such file"
        for field, path in (("cert", config.cert), ("key", config.key), ("ca", config.ca))
        if path is not None and not path.is_file()
    ]
    if faults:
        return faults
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.cert, config.key)
    except (ssl.SSLError, OSError) as error:
        return [f"[intake] cert, key: not a PEM certificate and its private key: {error}"]
    return []
