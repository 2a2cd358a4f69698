"""The bundle as a file: what is in it, and that no secret of the gateway is, in any form."""

from __future__ import annotations

import base64
import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from edge_agent.keys.keys import create_keys
from edge_agent.support.bundle import CONTENTS, MAX_BYTES, bundle_of, folders_of, known_secrets
from edge_agent.support.parts import (
    COMMANDS,
    MAX_PART,
    PartOfBundle,
    _bounded,
    command,
    configuration,
    host,
)
from edge_agent.support.secrets import Secrets
from tests.edge_agent.gateway import GATEWAY, TOML, write_ca

UTC_MS = 1_780_000_000_000
PROXY_PASSWORD = "p%40ss-Wort9"
COMMENT = "the door code is 4711-0815"
LOG_PASSWORD = "hunter22"
TOKEN = "egt1.c2VjcmV0LXRva2VuLW9mLWVucm9sbWVudA.Zk7Qw9xT2"


class Planted(NamedTuple):
    """A gateway with a secret in every file that is read; those as bytes, by where they lie."""

    config: Path
    environment: dict[str, str]
    secrets: dict[str, bytes]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    directory = tmp_path_factory.mktemp("site")
    write_ca(directory)
    state = directory / "state"
    keys = create_keys(state, GATEWAY, os.urandom)
    seeds = {
        path.name: base64.b64decode(path.read_bytes().split()[-1])
        for path in (state / "log.key", state / "salt.secret")
    }
    private = base64.b64encode(os.urandom(121)).decode()
    lines = "\n".join(private[at : at + 64] for at in range(0, len(private), 64))
    pem = f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n"
    (state / "tls.pem").write_text(pem)
    (state / "enrol.token").write_text(TOKEN)
    (state / "password.txt").write_text("never read, only listed")
    proxy = f'proxy = "http://li:{PROXY_PASSWORD}@192.0.2.1:3128"\n'
    text = TOML.replace("batch_seconds = 300", f"batch_seconds = 300  # {COMMENT}\n{proxy}")
    (directory / "gateway.toml").write_text(text)
    said = [
        f"proxy http://li:{PROXY_PASSWORD}@192.0.2.1:3128 refused",
        "password: p@ss-Wort9",
        f"login with password={LOG_PASSWORD}",
        f"token {TOKEN}",
        pem,
        *(form for seed in seeds.values() for form in (
            repr(seed), seed.hex(), base64.b64encode(b"x" + seed).decode(),
            base64.urlsafe_b64encode(seed).decode(), seed.decode("latin-1"),
        )),
        keys.salt_secret.hex(),
    ]  # fmt: skip
    (directory / "bin").mkdir()
    (directory / "lines").write_bytes("\n".join(said).encode("utf-8", "replace"))
    journalctl = directory / "bin" / "journalctl"
    journalctl.write_text(f"#!/bin/sh\ncat {directory}/lines\n")
    journalctl.chmod(0o755)
    environment = {**os.environ, "PATH": f"{directory}/bin:{os.environ['PATH']}"}
    secrets = {
        **seeds,
        "salt": keys.salt_secret,
        "tls.pem": base64.b64decode(private),
        "first line of tls.pem": private[:64].encode(),
        "token": TOKEN.encode(),
        "proxy as written": PROXY_PASSWORD.encode(),
        "proxy as meant": b"p@ss-Wort9",
        "password in the log": LOG_PASSWORD.encode(),
        "comment": COMMENT.encode(),
    }
    return Planted(directory / "gateway.toml", environment, secrets)


@pytest.fixture(scope="module")
def archive(planted: Planted) -> zipfile.ZipFile:
    """Made by the command, as a technician would."""
    out = planted.config.parent / "bundle.zip"
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "support-bundle", "--config", planted.config,
         "--out", out, "--json"],
        capture_output=True, text=True, timeout=240, check=False, env=planted.environment,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    told = json.loads(done.stdout)
    assert told["schema"] == 1
    assert told["file_bytes"] == out.stat().st_size < MAX_BYTES
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    return zipfile.ZipFile(io.BytesIO(out.read_bytes()))


def forms(secret: bytes) -> set[bytes]:
    """Written apart from the code that takes them out: raw, hexadecimal, and what each alphabet of
    base64 makes of its inner bytes at each of three offsets."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode(), repr(secret).encode()}
    for lead in range(3):
        for pack in (base64.b64encode, base64.urlsafe_b64encode):
            packed = pack(b"\0" * lead + secret + b"\0" * (-(lead + len(secret)) % 3))
            found.add(packed[4:-4])
    return {form for form in found if len(form) >= 6}


def test_no_secret_is_in_it(planted: Planted, archive: zipfile.ZipFile) -> None:
    """Each of those that were planted, in every member and in its name, in every form."""
    for member in archive.namelist():
        data = archive.read(member) + member.encode()
        for where, secret in planted.secrets.items():
            for form in forms(secret):
                assert form not in data, f"{where} is in {member} as {form!r}"


def test_the_search_would_find_them(planted: Planted) -> None:
    """The log that was read holds all that was planted there: the test above can fail."""
    data = (planted.config.parent / "lines").read_bytes()
    for where in ("log.key", "salt.secret", "token", "proxy as written", "first line of tls.pem"):
        assert any(form in data for form in forms(planted.secrets[where])), where


def test_what_is_in_it_is_of_use(archive: zipfile.ZipFile) -> None:
    """Configuration, versions, the machine, files by size; what was said around a secret."""
    contents = json.loads(archive.read(CONTENTS))
    names = {part["name"] for part in contents["parts"]}
    assert {name for name, _ in COMMANDS} < names
    configuration = json.loads(archive.read("configuration.json"))
    assert configuration["gateway"]["id"] == GATEWAY
    assert configuration["central"]["proxy"] == "http://[removed]@192.0.2.1:3128"
    assert configuration["central"]["receipt_key"].startswith("central+")  # public
    assert "cbor2" in json.loads(archive.read("versions.json"))["packages"]
    assert json.loads(archive.read("machine.json"))["health"]["agent_rss_kb"] > 0
    listed = {row["name"]: row for row in json.loads(archive.read("state_files.json"))}
    assert listed["log.key"]["mode"] == "100600"
    assert "password.txt" in listed
    log = archive.read("log.txt").decode()
    assert "proxy http://li:" not in log
    assert "192.0.2.1:3128 refused" in log
    assert "MemAvailable" in archive.read("host.txt").decode()
    assert "bus lan" in archive.read("check.txt").decode()


def test_a_file_that_is_there_is_never_replaced(planted: Planted, archive: zipfile.ZipFile) -> None:
    """It may be the one that is wanted."""
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "support-bundle", "--config", planted.config,
         "--out", planted.config],
        capture_output=True, text=True, timeout=240, check=False, env=planted.environment,
    )  # fmt: skip
    assert archive
    assert done.returncode == 2
    assert "give another --out FILE" in done.stderr


def test_a_huge_log_is_cut_at_its_begin_and_all_of_it_is_bounded() -> None:
    """The newest lines are the ones that matter; what finds no room is named."""
    part = _bounded("log.txt", b"old" + b"x" * MAX_PART, keep_end=True)
    assert part.cut
    assert part.data is not None
    assert len(part.data) == MAX_PART
    assert not part.data.startswith(b"old")
    parts = [PartOfBundle(f"{n}", os.urandom(MAX_PART // 2).hex().encode()) for n in range(10)]
    made = bundle_of(parts, Secrets([]), UTC_MS, "gw-1")
    assert len(made.data) < MAX_BYTES + 10_000
    left_out = [row["name"] for row in made.contents["parts"] if "left out" in row["why"]]
    assert left_out == ["6", "7", "8", "9"]


def test_a_command_that_fails_is_a_part_that_says_so(tmp_path: Path) -> None:
    """One that this version does not have, and one whose configuration is missing."""
    part = command("x.json", ("no-such-command",), tmp_path / "none.toml")
    assert part.why == "this version has no edge-agent no-such-command"
    part = command("check.txt", ("check",), tmp_path / "none.toml")
    assert part.data is not None
    assert b"No such file" in part.data


def test_what_lies_where_the_command_is_called_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root stands in a folder that others may write: a module there is none of ours."""
    (tmp_path / "json.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    command("status.json", ("status", "--json"), tmp_path / "gateway.toml")
    assert not (tmp_path / "ran").exists()


def test_a_number_that_cannot_be_written_leaves_the_rest_of_the_bundle(tmp_path: Path) -> None:
    """The configuration is faulty, and just then somebody wants a bundle."""
    path = tmp_path / "gateway.toml"
    path.write_text("a = 0x" + "f" * 9000)
    assert "check.txt says where" in configuration(path).why


def test_other_peoples_keys_beside_it_push_none_of_ours_out(tmp_path: Path) -> None:
    """Somebody keeps the configuration in his home, with all his keys: ours are first."""
    for number in range(20):
        lines = "\n".join(base64.b64encode(os.urandom(48)).decode() for _ in range(50))
        pem = f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n"
        (tmp_path / f"{number}.pem").write_text(pem)
    keys = create_keys(tmp_path / "state", GATEWAY, os.urandom)
    known = known_secrets("", folders_of(tmp_path / "gateway.toml", tmp_path / "state"))
    said = known.scrubbed(keys.salt_secret.hex().encode())
    assert keys.salt_secret.hex().encode() not in said


def test_a_machine_without_these_files_has_a_part_nevertheless(tmp_path: Path) -> None:
    """Each file says why it is not there."""
    part = host(tmp_path)
    assert part.data is not None
    assert b"==> /proc/meminfo <==\n(No such file or directory)" in part.data
