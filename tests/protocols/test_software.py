"""The hash of the metrological software: whatever makes a volume of registers is in it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import protocols.metering
import protocols.registers
from protocols import software
from protocols.software import metrological_hash


def test_it_is_over_every_module_and_profile() -> None:
    """Worked out anew from the files: name, length and content, in the order of their names."""
    found = hashlib.sha256()
    for package in (protocols.metering, protocols.registers):
        root = Path(package.__path__[0])
        names = {
            f"{package.__name__}/{path.relative_to(root).as_posix()}": path
            for path in root.rglob("*")
            if path.suffix in (".py", ".toml") and "__pycache__" not in path.parts
        }
        assert len(names) > 10
        for name in sorted(names):
            content = names[name].read_bytes()
            found.update(f"{name}\n{len(content)}\n".encode() + content)
    assert metrological_hash() == found.digest()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of its own in place of the real ones."""
    folder = tmp_path / "metrology_under_test"
    (folder / "profiles").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "run.py").write_text("K = 1\n")
    (folder / "profiles" / "meter.toml").write_text("a = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(software, "PACKAGES", (folder.name,))
    yield folder
    sys.modules.pop(folder.name, None)


def test_any_change_is_seen(package: Path) -> None:
    """A byte, a name, a file more or less, at any depth."""
    seen = {metrological_hash()}
    (package / "run.py").write_text("K = 2\n")
    seen.add(metrological_hash())
    (package / "profiles" / "meter.toml").write_text("a = 2\n")
    seen.add(metrological_hash())
    (package / "run.py").rename(package / "walk.py")
    seen.add(metrological_hash())
    (package / "profiles" / "other.toml").write_text("")
    seen.add(metrological_hash())
    (package / "walk.py").unlink()
    seen.add(metrological_hash())
    assert len(seen) == 6


def test_what_is_no_software_is_not(package: Path) -> None:
    """Notes and compiled files change nothing."""
    before = metrological_hash()
    (package / "README.md").write_text("x")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "run.cpython-311.py").write_text("x")
    assert metrological_hash() == before
