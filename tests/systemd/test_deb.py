"""The package in a clean Debian without a network: a gateway's life from first to last. As root.

Long: about a minute to build the packages, two for each Debian where it has to be fetched.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pexpect
import pytest

from edge_agent.journal import schema
from edge_agent.keys.keys import create_keys
from tests.edge_agent.gateway import GATEWAY, TOML, write_ca
from tests.systemd.debian_root import ENVIRON, SUITES, DebianRoot, make_root

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "systemd/debian/build.py"
QUICK = {"DPKG_DEB_COMPRESSOR_LEVEL": "0"}  # the packages are thrown away
STATE = "/var/lib/edge-agent"
CONFIG = "/etc/edge-agent/gateway.toml"

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_wheel(tmp_path_factory.mktemp("wheel"))


def project_wheel(place: Path) -> Path:
    """Of the sources here."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*command, "--no-deps", "--no-build-isolation", "-w", str(place), str(ROOT)], check=True
    )
    (made,) = place.glob("*.whl")
    return made


def build(wheel: Path, place: Path, *options: str) -> Path:
    """A package of this machine's kind."""
    arch = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    place.mkdir(exist_ok=True)
    command = [sys.executable, str(BUILD), "--wheel", str(wheel), "--arch", arch]
    subprocess.run(
        [*command, "--out", str(place), *options],
        check=True, stdout=subprocess.DEVNULL, env={**os.environ, **QUICK},
    )  # fmt: skip
    (made,) = place.glob("*.deb")
    return made


@pytest.fixture(scope="module")
def packages(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """This program, a later package of it, and one that cannot read this one's journal."""
    place = tmp_path_factory.mktemp("packages")
    older = f"--journal={schema.VERSION - 1}"
    return {
        "this": build(wheel, place / "this"),
        "later": build(wheel, place / "later", "--revision=2"),
        "older": build(wheel, place / "older", "--revision=0", older),
    }


@pytest.fixture(params=SUITES)
def root(
    request: pytest.FixtureRequest, tmp_path: Path, packages: dict[str, Path]
) -> Iterator[DebianRoot]:
    suite: str = request.param
    made = make_root(suite, tmp_path / suite)
    for name, package in packages.items():
        made.put(package, f"/root/{name}.deb")
    yield made
    subprocess.run(["rm", "-rf", "--one-file-system", str(made.path)], check=True)


def install(root: DebianRoot, name: str, status: int = 0) -> str:
    return root.run("dpkg", "--install", f"/root/{name}.deb", status=status)


def commission_by_hand(root: DebianRoot, tmp_path: Path) -> None:
    """Keys, a configuration and a journal, as an agent leaves them."""
    made = tmp_path / "made"
    made.mkdir()
    create_keys(made / "state", GATEWAY, lambda size: b"k" * size)
    write_ca(made)
    text = TOML.replace('state_dir = "state"', f'state_dir = "{STATE}"')
    (made / "gateway.toml").write_text(text, encoding="utf-8")
    for path in (made / "state").iterdir():
        root.put(path, f"{STATE}/{path.name}")
    root.put(made / "gateway.toml", CONFIG)
    root.put(made / "ca.pem", "/etc/edge-agent/ca.pem")
    root.run("chown", "-R", "edge-agent:edge-agent", STATE)
    root.run("edge-agent", "migrate", "--config", CONFIG, user="edge-agent")


def fingerprint(root: DebianRoot) -> dict[str, str]:
    """Of journal, keys and configuration."""
    places = [*(root / STATE).rglob("*"), *(root / "/etc/edge-agent").rglob("*")]
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in places
        if path.is_file()
    }


def status_of(root: DebianRoot) -> str:
    return root.run("dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "gas-edge-agent")


def who_may(root: DebianRoot) -> str:
    """Enter the state directory."""
    return root.run("stat", "-c", "%a %U %G", STATE).strip()


def test_a_life(root: DebianRoot, tmp_path: Path) -> None:
    """Installed, commissioned, upgraded, not downgraded, removed, purged: without a network, and
    journal and keys are there to the end."""
    told = install(root, "this")
    assert "edge-agent commission" in told, "the next step is said"
    assert root.run("edge-agent", "--help").startswith("usage: edge-agent")
    assert root.run("dpkg", "--verify", "gas-edge-agent") == ""
    for unit in ("edge-agent", "edge-agent-clock"):
        assert root.run("systemctl", "is-enabled", unit).strip() == "enabled"
    assert root.run("systemd-analyze", "verify", "edge-agent.service") == ""
    assert "dialout" in root.run("id", "edge-agent")
    assert who_may(root) == "2750 edge-agent gas-readers"
    assert "1 fault" in root.run("edge-agent", "check", status=1, user="edge-agent")

    commission_by_hand(root, tmp_path)
    checked = root.run("edge-agent", "check", user="edge-agent")
    assert "meter-1" in checked
    kept = fingerprint(root)
    assert any(name.endswith("journal.db") for name in kept)
    (root / "/etc/default/edge-agent").write_text("LANG=zh_CN.UTF-8\n")

    (root / STATE).chmod(0o700)  # as an earlier package made it
    install(root, "later")
    assert who_may(root) == "2750 edge-agent gas-readers"
    assert status_of(root) == "0.1.0-2 installed"
    assert fingerprint(root) == kept
    assert (root / "/etc/default/edge-agent").read_text() == "LANG=zh_CN.UTF-8\n"

    told = install(root, "older", status=1)
    assert f"is of version {schema.VERSION}" in told
    assert "Never delete the journal" in told
    assert status_of(root) == "0.1.0-2 installed"
    root.run("edge-agent", "check", user="edge-agent")
    assert list((root / "/opt/gas-gateway").rglob("*.pyc")), "its byte code is back"

    install(root, "this")  # an older package that reads this journal: the schema decides
    assert fingerprint(root) == kept

    told = root.run("dpkg", "--remove", "gas-edge-agent")
    assert "stay" in told
    assert fingerprint(root) == kept
    assert not (root / "/opt/gas-gateway").exists()
    assert not (root / "/usr/bin/edge-agent").is_symlink()
    told = root.run("dpkg", "--purge", "gas-edge-agent")
    assert "were kept" in told
    assert fingerprint(root) == kept
    assert not (root / "/etc/default/edge-agent").exists()


def test_a_version_that_only_the_log_has_is_seen(root: DebianRoot, tmp_path: Path) -> None:
    """A power cut behind a migration: the journal's header still has the version before."""
    install(root, "later")
    commission_by_hand(root, tmp_path)
    journal = root / f"{STATE}/journal.db"
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
        connection.commit()
        for side in ("", "-wal"):
            shutil.copy(f"{journal}{side}", f"{tmp_path}/cut{side}")
    for side in ("", "-wal"):
        shutil.copy(f"{tmp_path}/cut{side}", f"{journal}{side}")
    root.run("chown", "-R", "edge-agent:gas-readers", STATE)
    told = install(root, "this", status=1)
    assert f"is of version {schema.VERSION + 1}" in told
    assert status_of(root) == "0.1.0-2 installed"
    owners = root.run("find", STATE, "-not", "-user", "edge-agent")
    assert owners == "", "what is root's would stop the service"


def test_an_image_is_made_in_a_bare_chroot(root: DebianRoot) -> None:
    """No systemd, no /proc, no shared memory: enabled, compiled, and nothing in it yet that two
    gateways of this image would share."""
    shutil.rmtree(root / "/dev/shm", ignore_errors=True)
    environ = [f"{name}={value}" for name, value in ENVIRON.items()]
    command = ["unshare", "--mount", "--pid", "--fork", "--net", "chroot", str(root.path)]
    done = subprocess.run(
        [*command, "env", "-i", *environ, "dpkg", "--install", "/root/this.deb"],
        capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert list((root / "/opt/gas-gateway").rglob("*.pyc"))
    assert who_may(root) == "2750 edge-agent gas-readers"
    assert [*(root / STATE).iterdir(), *(root / "/etc/edge-agent").iterdir()] == []
    assert root.run("systemctl", "is-enabled", "edge-agent").strip() == "enabled"


FULL = """
mkdir /mnt/small
used=$(du -sm --exclude=__pycache__ /opt/gas-gateway | cut -f1)
mount -t tmpfs -o mode=755,size=$((used + 12))m tmpfs /mnt/small
tar -C /opt --exclude=__pycache__ -cf - . | tar -C /mnt/small -xf -
mount --bind /mnt/small /opt
! dpkg --install /root/later.deb
find /opt -name '*.dpkg-new' | grep . && exit 1
runuser -u edge-agent -- edge-agent check
"""


def test_a_full_disk_ends_the_upgrade_not_the_metering(root: DebianRoot, tmp_path: Path) -> None:
    """The program before is whole and configured, and goes on."""
    install(root, "this")
    commission_by_hand(root, tmp_path)
    kept = fingerprint(root)
    told = root.run("sh", "-ec", FULL)
    assert "No space left on device" in told
    assert len(told.splitlines()) < 30, "what is said can be read"
    assert status_of(root) == "0.1.0-1 installed"
    install(root, "later")
    assert fingerprint(root) == kept


def test_a_power_cut_while_dpkg_works(root: DebianRoot, tmp_path: Path) -> None:
    """There is one program or the other, whole, at any step; a second try ends what was begun."""
    install(root, "this")
    commission_by_hand(root, tmp_path)
    kept, later = fingerprint(root), root / "/opt/gas-gateway/0.1.0-2"
    packages = later / "lib/site-packages"

    def has(suffix: str) -> bool:
        """While dpkg is at it: what is gone before it was looked at is passed over."""
        return any(name.endswith(suffix) for _, _, names in os.walk(later) for name in names)

    def is_unpacking() -> bool:
        return has(".dpkg-new")

    def is_naming() -> bool:
        """Some files are in place, others not yet."""
        return (packages / "cbor2/__init__.py").exists() and is_unpacking()

    def is_compiling() -> bool:
        return has(".pyc")

    command = [*root.entering(network=False), "dpkg", "--install", "/root/later.deb"]
    shipped = root.run("dpkg", "--contents", "/root/later.deb").splitlines()
    names = {line.split()[5].strip("./") for line in shipped}
    start = "opt/gas-gateway/bin/edge-agent"
    order = [line.split()[5].strip("./") for line in shipped if line.startswith("-")]
    assert all("/0.1.0-2/" not in name for name in order[order.index(start) :]), "it is the last"
    whole = {name for name in names if "/0.1.0-2/" in name}
    for cut in (is_unpacking, is_naming, is_compiling):
        with (tmp_path / "dpkg.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        while process.poll() is None and not cut():
            pass
        process.kill()  # and all that it started, with their namespace
        process.wait()
        root.run("edge-agent", "check", user="edge-agent")
        launcher = (root / "/opt/gas-gateway/bin/edge-agent").read_text()
        there = {str(path.relative_to(root.path)) for path in later.rglob("*")}
        is_later = "/0.1.0-2/" in launcher
        assert is_later or cut is not is_compiling
        assert not is_later or whole <= there
        root.run("dpkg", "--configure", "--pending", status=None)
        install(root, "later")
        assert status_of(root) == "0.1.0-2 installed"
        assert root.run("dpkg", "--verify", "gas-edge-agent") == ""
        assert fingerprint(root) == kept
        assert [path.name for path in later.parent.glob("[0-9]*")] == ["0.1.0-2"]
        install(root, "this")
        assert [path.name for path in later.parent.glob("[0-9]*")] == ["0.1.0-1"]


def answer(root: DebianRoot, command: str, question: str, word: str) -> tuple[int, str]:
    """A person at a terminal: exit status and what was shown."""
    environ = [f"{k}={v}" for k, v in (ENVIRON | {"DEBIAN_FRONTEND": "teletype"}).items()]
    entering = [*root.entering(network=False)]
    cut = entering.index("-i") + 1
    terminal = pexpect.spawn(
        entering[0], [*entering[1:cut], *environ, "sh", "-c", command], timeout=60, encoding="utf-8"
    )
    terminal.expect(question)
    shown = str(terminal.before) + str(terminal.after)
    terminal.expect(r"\[yes/no\]")
    shown += str(terminal.before)
    terminal.sendline(word)
    terminal.expect(pexpect.EOF)
    terminal.close()
    return int(terminal.exitstatus or 0), shown + str(terminal.before)


def test_a_removal_is_asked(root: DebianRoot, tmp_path: Path) -> None:
    """No: it stays, and runs. Yes: the program goes. At a purge journal and keys go by a yes."""
    install(root, "this")
    commission_by_hand(root, tmp_path)
    kept = fingerprint(root)
    remove = "dpkg --remove gas-edge-agent"
    status, shown = answer(root, remove, "Stop metering", "no")
    assert status != 0
    assert "no meter is read" in " ".join(shown.split())
    assert status_of(root) == "0.1.0-1 installed"
    root.run("edge-agent", "check", user="edge-agent")
    status, _ = answer(root, remove, "Stop metering", "yes")
    assert status == 0
    assert fingerprint(root) == kept
    purge = "dpkg --purge gas-edge-agent"
    status, shown = answer(root, purge, "Delete the gateway's journal", "yes")
    assert status == 0
    assert "lost" in shown
    assert not (root / STATE).exists()
    assert not (root / "/etc/edge-agent").exists()


def test_a_purge_with_consent_given_before(root: DebianRoot, tmp_path: Path) -> None:
    """Preseeded, as for a gateway that is scrapped: nobody is asked, and everything goes."""
    install(root, "this")
    commission_by_hand(root, tmp_path)
    consent = "gas-edge-agent gas-edge-agent/delete-state boolean true"
    root.run("sh", "-c", f"echo '{consent}' | debconf-set-selections")
    told = root.run("dpkg", "--purge", "gas-edge-agent")
    assert "were deleted" in told
    assert not (root / STATE).exists()
