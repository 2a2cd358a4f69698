"""A virtual machine whose power can be cut: Debian's kernel, a disk, the host's programs.

Its root is the host's, read-only over 9p, so nothing is installed into it; what it writes goes to
an ext4 file system on a virtio disk, mounted at /mnt. SIGKILL takes its page cache with it.
"""

from __future__ import annotations

import lzma
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

QEMU = "qemu-system-x86_64"
MODULES = (
    *("virtio_pci", "virtio_blk", "virtio_net", "crc32c_generic", "ext4"),
    *("9pnet_virtio", "9p"),
)
MOUNT = "/mnt"  # of the disk, in the guest
DISK_MB = 256
_ROOT = "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap"

_INIT = f"""#!/bin/sh
/bin/busybox mkdir -p /proc /host
/bin/busybox mount -t proc proc /proc
for module in $(/bin/busybox cat /modules.list); do /bin/busybox insmod /$module; done
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 root /host
/bin/busybox mount -t devtmpfs dev /host/dev
/bin/busybox mount -t proc proc /host/proc
/bin/busybox mount -t sysfs sys /host/sys
/bin/busybox mount -t ext4 /host/dev/vda /host{MOUNT} || /bin/busybox poweroff -f
/bin/busybox ip link set lo up
/bin/busybox ip link set eth0 up
/bin/busybox ip addr add 10.0.2.15/24 dev eth0
/bin/busybox chroot /host /bin/sh {MOUNT}/start.sh < /dev/console > /dev/console 2>&1
/bin/busybox umount /host{MOUNT}
/bin/busybox poweroff -f
"""


class Unavailable(Exception):  # noqa: N818  # what was found is the name
    """No virtual machine here; says why and the remedy."""


class Kernel(NamedTuple):
    """A kernel image and its modules' directory."""

    image: Path
    modules: Path


def find_kernel(cache: Path) -> Kernel:
    """The system's, the cache's, or Debian's package fetched into the cache. Raises Unavailable."""
    for tool in (QEMU, "busybox", "mkfs.ext4", "debugfs"):
        if shutil.which(tool, path=_path()) is None:
            raise Unavailable(
                f"{tool} is missing: apt-get install qemu-system-x86 busybox-static e2fsprogs"
            )
    for root in (Path("/"), cache):
        for image in sorted((root / "boot").glob("vmlinuz-*"), reverse=True):
            version = image.name.removeprefix("vmlinuz-")
            modules = root / "lib" / "modules" / version
            if os.access(image, os.R_OK) and modules.is_dir():
                return Kernel(image, modules)
    if not _fetch(cache):
        raise Unavailable("no kernel in /boot, and none can be fetched: install linux-image-amd64")
    return find_kernel(cache)


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def _fetch(cache: Path) -> bool:
    """Debian's kernel package, unpacked without installing it."""
    if shutil.which("apt-get") is None or (cache / "fetched").exists():
        return False
    cache.mkdir(parents=True, exist_ok=True)
    shown = _output("apt-cache", "depends", "linux-image-amd64", directory=cache)
    package = re.search(r"Depends: (linux-image-\S+)", shown)
    if package is None:
        return False
    _output("apt-get", "download", package[1], directory=cache)
    for file in cache.glob("linux-image-*.deb"):
        _output("dpkg-deb", "-x", file.name, ".", directory=cache)
        (cache / "fetched").touch()
        return True
    return False


def _output(*command: str, directory: Path) -> str:
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, check=False, timeout=600
    )
    return done.stdout


def _files(kernel: Kernel) -> Iterator[tuple[str, int, bytes]]:
    """Of the initial file system: name, mode, bytes."""
    busybox = shutil.which("busybox", path=_path())
    assert busybox is not None
    yield "bin", stat.S_IFDIR | 0o755, b""
    yield "bin/busybox", stat.S_IFREG | 0o755, Path(busybox).read_bytes()
    yield "bin/sh", stat.S_IFLNK | 0o777, b"busybox"
    yield "dev", stat.S_IFDIR | 0o755, b""
    yield "init", stat.S_IFREG | 0o755, _INIT.encode()
    names = []
    for name, data in _modules(kernel.modules, MODULES):
        names.append(name)
        yield name, stat.S_IFREG | 0o644, data
    yield "modules.list", stat.S_IFREG | 0o644, " ".join(names).encode()


def _modules(directory: Path, wanted: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """The modules and what they depend on, in the order in which they can be loaded."""
    paths = {path.name.split(".")[0].replace("-", "_"): path for path in directory.rglob("*.ko*")}
    loaded: set[str] = set()

    def load(name: str) -> Iterator[tuple[str, bytes]]:
        path = paths.get(name)
        if name in loaded or path is None:  # None: built into the kernel
            return
        loaded.add(name)
        data = path.read_bytes()
        data = lzma.decompress(data) if path.suffix == ".xz" else data
        depends = re.search(rb"\0depends=([^\0]*)\0", data)
        for other in depends[1].decode().split(",") if depends else ():
            yield from load(other.replace("-", "_"))
        yield f"{name}.ko", data

    for name in wanted:
        yield from load(name)


def write_initramfs(kernel: Kernel, path: Path) -> None:
    """A cpio archive of form `newc` (kernel documentation, initramfs buffer format)."""
    with path.open("wb") as archive:
        for number, (name, mode, data) in enumerate([*_files(kernel), ("TRAILER!!!", 0, b"")], 1):
            fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
            head = "070701" + "".join(f"{field:08x}" for field in fields) + name + "\0"
            archive.write(head.encode() + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))


def write_disk(path: Path, content: Path) -> None:
    """An ext4 image with these files; the size of a small card."""
    done = subprocess.run(
        [_tool("mkfs.ext4"), "-q", "-F", "-d", str(content), str(path), f"{DISK_MB}M"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def read_disk(path: Path, file: str, into: Path) -> None:
    """One file out of the image of a machine that was shut down."""
    command = [_tool("debugfs"), "-R", f"dump {shlex.quote(file)} {into}", str(path)]
    subprocess.run(command, capture_output=True, check=True)


def _tool(name: str) -> str:
    found = shutil.which(name, path=_path())
    assert found is not None
    return found


class Machine(NamedTuple):
    """A disk with a `start.sh`, which the guest runs as root once the disk is mounted."""

    kernel: Kernel
    initramfs: Path
    disk: Path

    def command(self, settings: Sequence[str] = (), serial_lines: Sequence[str] = ()) -> list[str]:
        """The emulator's; its first serial line is its standard output, others are devices.

        `settings`: NAME=VALUE, which the guest's programs find in their environment.
        """
        fast = _has_virtualisation()
        options = {
            "-accel": "kvm" if fast else "tcg",
            "-cpu": "host" if fast else "max,la57=off",
            "-m": "512",
            "-kernel": str(self.kernel.image),
            "-initrd": str(self.initramfs),
            "-append": " ".join(["console=ttyS0 quiet panic=-1 mitigations=off", *settings]),
            "-drive": f"file={self.disk},format=raw,if=virtio,cache=writeback",
            "-virtfs": _ROOT,
            "-nic": "user,model=virtio-net-pci",
            "-serial": "stdio",
            "-display": "none",
            "-monitor": "none",
        }
        made = [QEMU, "-no-reboot", "-nodefaults"]
        for option, value in options.items():
            made += [option, value]
        for line in serial_lines:
            made += ["-serial", line]
        return made


def _has_virtualisation() -> bool:
    """By the processor: with a /dev/kvm that lacks it, as in some clouds, a guest stands still."""
    flags = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    return bool(flags & {"vmx", "svm"}) and os.access("/dev/kvm", os.R_OK | os.W_OK)


def start_script(*command: str) -> str:
    """For the guest: run a program of the tests, with the code that is under test here."""
    paths = [str(Path.cwd()), *filter(None, os.environ.get("PYTHONPATH", "").split(":"))]
    settings = [
        f"PYTHONPATH={':'.join(dict.fromkeys(paths))}",
        "PYTHONDONTWRITEBYTECODE=1",
    ]
    return f"cd {MOUNT}\nexec env {shlex.join([*settings, sys.executable, *command])}\n"
