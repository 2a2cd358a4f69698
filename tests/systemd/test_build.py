"""The package's builder: what needs no index and no Debian."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from edge_agent.journal import schema

PLACE = Path(__file__).parents[2] / "systemd/debian/build.py"


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_deb", PLACE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_version_of_the_journal_is_the_programs(build: ModuleType) -> None:
    """preinst compares with what this program reads."""
    assert build.read_version().journal == schema.VERSION


def test_only_what_is_named_is_left_out(build: ModuleType) -> None:
    """All else of the lock file stays, each with its hashes."""
    lock = build.lock_without({"pip": ""})
    assert "\npip==" not in f"\n{lock}"
    assert lock.count("==") == build.lock_without({}).count("==") - 1
    assert "cryptography==" in lock
    assert "--hash=sha256:" in lock


def test_two_pythons_share_a_folder_only_where_it_is_the_same(
    build: ModuleType, tmp_path: Path
) -> None:
    """Compiled modules bear their Python's name; a file that differs stops the build."""
    first, second, site = (tmp_path / name for name in ("3.11", "3.13", "site"))
    for folder, name in ((first, "x.cpython-311.so"), (second, "x.cpython-313.so")):
        (folder / "x.dist-info").mkdir(parents=True)
        (folder / name).write_text(name)
        (folder / "x.py").write_text("same")
        (folder / "x.dist-info/WHEEL").write_text(f"Tag: {name}")
    build.merge(first, site)
    build.merge(second, site)
    assert {path.name for path in site.iterdir()} == {
        *("x.cpython-311.so", "x.cpython-313.so", "x.py", "x.dist-info"),
    }
    (second / "x.py").write_text("another")
    with pytest.raises(SystemExit, match="another for another Python"):
        build.merge(second, site)


def test_a_gateway_gets_no_server_and_no_plant(build: ModuleType, tmp_path: Path) -> None:
    """Of the project's wheel only the agent and what it shares."""
    wheel = tmp_path / "gas.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("edge_agent/a.py", "protocols/b.py", "central/c.py", "simulators/d.py"):
            archive.writestr(name, "")
        archive.writestr("gas_gateway-0.1.0.dist-info/METADATA", "")
    build.unpack(wheel, tmp_path / "site")
    found = sorted(path.name for path in (tmp_path / "site").iterdir())
    assert found == ["edge_agent", "gas_gateway-0.1.0.dist-info", "protocols"]


@pytest.mark.parametrize("name", ["preinst", "postinst", "prerm", "postrm"])
def test_the_scripts_stop_at_a_failure(build: ModuleType, name: str) -> None:
    """`set -e`, and /bin/sh: dash reads them."""
    lines = (PLACE.parent / name).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/bin/sh"
    assert "set -e" in lines


@pytest.mark.parametrize(("kind", "status"), [("pipe", 0), ("newer", 1), ("ours", 0)])
def test_a_journal_that_is_none_holds_nobody_up(tmp_path: Path, kind: str, status: int) -> None:
    """The agent's user could put a pipe there, and dpkg runs as root."""
    journal = tmp_path / "journal.db"
    if kind == "pipe":
        os.mkfifo(journal)
    else:
        version = schema.VERSION + (kind == "newer")
        journal.write_bytes(bytes(60) + version.to_bytes(4, "big"))
    script = (PLACE.parent / "preinst").read_text(encoding="utf-8")
    script = script.replace("/var/lib/edge-agent/journal.db", str(journal))
    script = script.replace("@JOURNAL@", str(schema.VERSION))
    command = ["sh", "-c", script, "preinst", "install"]
    done = subprocess.run(command, check=False, capture_output=True, timeout=20)
    assert done.returncode == status


def test_an_adapter_that_is_plugged_in_already_is_set_up_too() -> None:
    """The rules are for a change as well, which postinst triggers for the same makers."""
    rules = (PLACE.parents[1] / "60-gas-ports.rules").read_text(encoding="utf-8")
    postinst = (PLACE.parent / "postinst").read_text(encoding="utf-8")
    (makers,) = set(re.findall(r'(?:ATTR.idVendor.|ENV.ID_VENDOR_ID.)=="([0-9a-f|]+)"', rules))
    assert f"for maker in {makers.replace('|', ' ')};" in postinst
    set_once = [line for line in rules.splitlines() if "power/control" in line or "latency" in line]
    assert [line.startswith('ACTION=="add|change"') for line in set_once] == [True, True]


def test_what_is_shipped_is_there(build: ModuleType) -> None:
    """Every file that the package takes from the repository."""
    missing = [name for name in build.FILES if not (build.ROOT / name).is_file()]
    assert missing == []


def test_the_shells_are_told_what_to_complete(build: ModuleType, tmp_path: Path) -> None:
    """Where bash and zsh of Debian look for it."""
    build.complete(tmp_path)
    bash = tmp_path / "usr/share/bash-completion/completions/edge-agent"
    zsh = tmp_path / "usr/share/zsh/vendor-completions/_edge-agent"
    assert "support-bundle" in bash.read_text()
    assert zsh.read_text().startswith("#compdef edge-agent")
