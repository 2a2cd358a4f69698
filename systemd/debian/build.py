"""Makes gas-edge-agent_VERSION_ARCH.deb: the agent and all it imports; no internet is needed.

The libraries are unpacked here, on the desk, from the wheels of requirements/agent.txt (by their
hashes, compiled ones only as the maker built them), for each Python that Debian 12, Debian 13 and
Raspberry Pi OS have. They lie in one folder: a compiled module bears its Python's name, and all
other files are the same, which is checked. Around it stands what a venv is: pyvenv.cfg, a link to
/usr/bin/python3, and lib/pythonX.Y/site-packages as links to that folder.

All of it lies in a folder that bears the package's version; only the small file that starts it has
the same place in each. dpkg puts new files in place one by one, in the order of the package, which
takes many seconds on a slow card. Were they the old ones' places, a power cut then would leave a
mixture of two programs that may not start. The file that starts it comes behind them all (`bin`
behind a digit), so there is always one whole program; old files go only after that.

Why not `pip install --find-links` in postinst: that can fail on the gateway, halfway, with the old
program gone; it needs python3-venv there; its files are unknown to dpkg, so neither verified nor
removed; and the venv breaks on the day that Debian 12 becomes 13. Here dpkg unpacks files.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

NAME: Final = "gas-edge-agent"
HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
PROGRAM: Final = Path("opt/gas-gateway")
PYTHONS: Final = ("3.11", "3.13")  # Debian 12, Debian 13
MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}
GLIBC: Final = (17, 28, 34)  # manylinux_2_N: Debian 12 has 2.36
PACKAGES: Final = ("edge_agent", "protocols")
LEFT_OUT: Final = {
    "pip": "sqlite-utils wants it for its plug-ins, which a gateway has not; nothing installs here"
}
NOT_COMPARED: Final = {"WHEEL", "RECORD", "REQUESTED", "INSTALLER", "direct_url.json"}
FILES: Final = {
    "systemd/edge-agent.service": "usr/lib/systemd/system/edge-agent.service",
    "systemd/edge-agent-clock.service": "usr/lib/systemd/system/edge-agent-clock.service",
    "systemd/gas-edge-agent.sysusers.conf": "usr/lib/sysusers.d/gas-edge-agent.conf",
    "systemd/gas-edge-agent.tmpfiles.conf": "usr/lib/tmpfiles.d/gas-edge-agent.conf",
    "systemd/gas-edge-agent.modules.conf": "usr/lib/modules-load.d/gas-edge-agent.conf",
    "systemd/60-gas-ports.rules": "usr/lib/udev/rules.d/60-gas-ports.rules",
    "systemd/debian/edge-agent.default": "etc/default/edge-agent",
    "systemd/debian/copyright": f"usr/share/doc/{NAME}/copyright",
    "README.md": f"usr/share/doc/{NAME}/README.md",
    "CHANGELOG.md": f"usr/share/doc/{NAME}/CHANGELOG.md",
    "edge_agent/README.md": f"usr/share/doc/{NAME}/edge-agent.md",
    "edge_agent/gateway.example.toml": f"usr/share/doc/{NAME}/gateway.example.toml",
}
COMPLETIONS: Final = {
    "bash": "usr/share/bash-completion/completions/edge-agent",
    "zsh": "usr/share/zsh/vendor-completions/_edge-agent",
}
CONFFILES: Final = ("/etc/default/edge-agent",)
SCRIPTS: Final = ("preinst", "postinst", "prerm", "postrm")
COMMAND: Final = """\
#!/opt/gas-gateway/{version}/bin/python -I
import sys

from edge_agent.cli import main

sys.exit(main())
"""
DEPENDS: Final = (  # the Pythons that the compiled libraries are for
    "python3 (>= 3.11), python3 (<< 3.12~) | python3 (>= 3.13), python3 (<< 3.14~), "
    "libc6 (>= 2.34), systemd, debconf"
)
CONTROL: Final = """\
Package: {name}
Version: {version}
Architecture: {arch}
Section: misc
Priority: optional
Maintainer: the operators of this gateway <root@localhost>
Installed-Size: {kilobytes}
Depends: {depends}
Recommends: udev
Description: gateway of gas meters: polls, converts, keeps and sends signed readings
 The program on a gateway: it polls flow meters and pressure instruments over
 Modbus, converts line volume to base volume, keeps everything in a local
 journal and uploads it signed.
 .
 It needs no compiler and no internet to install: all that it imports is inside.
"""


class Version(NamedTuple):
    """Of the program, and of the journal that it writes."""

    program: str
    journal: int


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description="make the Debian packages of the agent")
    parser.add_argument("--wheel", type=Path, required=True, help="the project's own (make wheel)")
    parser.add_argument("--arch", choices=sorted(MACHINES), action="append", required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--revision", default="1", help="the package's, behind the program's")
    parser.add_argument("--journal", type=int, help="say another version of the journal (tests)")
    options = parser.parse_args()
    found = read_version()
    version = Version(f"{found.program}-{options.revision}", options.journal or found.journal)
    options.out.mkdir(parents=True, exist_ok=True)
    for arch in options.arch:
        with tempfile.TemporaryDirectory() as place:
            stage = Path(place) / "stage"
            fill(stage, options.wheel, (arch, version.program), Path(place))
            put_control(stage, version, arch)
            target = options.out / f"{NAME}_{version.program}_{arch}.deb"
            pack(stage, target)
        print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")
    return 0


def read_version() -> Version:
    """Of the sources here."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    schema = (ROOT / "edge_agent/journal/schema.py").read_text(encoding="utf-8")
    program = re.search(r'^version = "([0-9.]+)"$', project, re.MULTILINE)
    journal = re.search(r"^VERSION: Final = ([0-9]+)\b", schema, re.MULTILINE)
    if program is None or journal is None:
        raise SystemExit("no version in pyproject.toml, or none of the journal in schema.py")
    return Version(program[1], int(journal[1]))


def fill(stage: Path, wheel: Path, package: tuple[str, str], place: Path) -> None:
    """Everything but what dpkg itself reads; `package`: its architecture and version."""
    arch, version = package
    program = stage / PROGRAM / version
    site = program / "lib/site-packages"
    site.mkdir(parents=True)
    for python in PYTHONS:
        libraries = place / python
        install(libraries, python, MACHINES[arch])
        merge(libraries, site)
    unpack(wheel, site)
    for python in PYTHONS:
        folder = program / "lib" / f"python{python}"
        folder.mkdir()
        (folder / "site-packages").symlink_to("../site-packages")
    (program / "pyvenv.cfg").write_text(
        "home = /usr/bin\ninclude-system-site-packages = false\n", encoding="ascii"
    )
    (program / "bin").mkdir()
    (program / "bin/python").symlink_to("/usr/bin/python3")
    start = stage / PROGRAM / "bin/edge-agent"
    start.parent.mkdir()
    start.write_text(COMMAND.format(version=version), encoding="ascii")
    start.chmod(0o755)
    (stage / "usr/bin").mkdir(parents=True)
    (stage / "usr/bin/edge-agent").symlink_to(f"/{PROGRAM}/bin/edge-agent")
    for source, target in FILES.items():
        (stage / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, stage / target)
    complete(stage)


def complete(stage: Path) -> None:
    """What the shells need to complete commands and options, as the program itself tells it."""
    for shell, target in COMPLETIONS.items():
        told = subprocess.run(
            [sys.executable, "-m", "edge_agent.cli", "completion", shell],
            cwd=ROOT, check=True, stdout=subprocess.PIPE,
        )  # fmt: skip
        (stage / target).parent.mkdir(parents=True, exist_ok=True)
        (stage / target).write_bytes(told.stdout)


def install(target: Path, python: str, machine: str) -> None:
    """All libraries for one Python of one machine; pip refuses what is not of the lock file."""
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC]
    wanted = lock_without(LEFT_OUT)
    lock = target.with_suffix(".lock")
    lock.write_text(wanted, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile"),
        *("--implementation=cp", f"--python-version={python}", *platforms),
        *(f"--platform=manylinux2014_{machine}", f"--target={target}", f"--requirement={lock}"),
    ]
    subprocess.run(command, check=True)
    shutil.rmtree(target / "bin", ignore_errors=True)  # commands of libraries are not ours


def lock_without(names: dict[str, str]) -> str:
    """requirements/agent.txt but for some."""
    text = (ROOT / "requirements/agent.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text)
    return "\n".join(entry for entry in entries if entry.split("==")[0] not in names)


def merge(libraries: Path, site: Path) -> None:
    """Into one folder; a file that is there already must be the same."""
    for path in files(libraries):
        target = site / path.relative_to(libraries)
        if target.exists():
            if path.name not in NOT_COMPARED and path.read_bytes() != target.read_bytes():
                raise SystemExit(f"{target.relative_to(site)} is another for another Python")
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def unpack(wheel: Path, site: Path) -> None:
    """The agent and what it shares with central; not the server, not the plant."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            top = name.split("/")[0]
            if top in PACKAGES or top.endswith(".dist-info"):
                archive.extract(name, site)


def put_control(stage: Path, version: Version, arch: str) -> None:
    control = stage / "DEBIAN"
    shipped = list(files(stage))
    kilobytes = sum(path.lstat().st_size // 1024 + 1 for path in shipped)
    control.mkdir()
    (control / "control").write_text(
        CONTROL.format(
            name=NAME,
            version=version.program,
            arch=arch,
            kilobytes=kilobytes,
            depends=DEPENDS,
        ),
        encoding="utf-8",
    )
    (control / "conffiles").write_text("".join(f"{path}\n" for path in CONFFILES))
    sums = [
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  "
        f"{path.relative_to(stage)}\n"
        for path in shipped
        if not path.is_symlink() and f"/{path.relative_to(stage)}" not in CONFFILES
    ]
    (control / "md5sums").write_text("".join(sums), encoding="utf-8")
    shutil.copyfile(HERE / "templates", control / "templates")
    for script in SCRIPTS:
        text = (HERE / script).read_text(encoding="utf-8")
        text = text.replace("@JOURNAL@", str(version.journal))
        (control / script).write_text(text.replace("@VERSION@", version.program))
        (control / script).chmod(0o755)


def files(folder: Path) -> Iterator[Path]:
    """Files and links, in one order on every machine."""
    return iter(sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file()))


def pack(stage: Path, target: Path) -> None:
    """The same bytes from the same sources: dates and permissions are set here."""
    for path in stage.rglob("*"):
        if not path.is_symlink():
            is_run = path.is_dir() or os.access(path, os.X_OK)
            path.chmod(0o755 if is_run else 0o644)
    stage.chmod(0o755)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": source_date()}
    command = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(stage), str(target)]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def source_date() -> str:
    """Of the last commit; of the changelog where this is no repository."""
    found = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or str(int((ROOT / "CHANGELOG.md").stat().st_mtime))


if __name__ == "__main__":
    sys.exit(main())
