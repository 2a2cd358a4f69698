"""The READMEs name what is there, and nothing that is gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("edge_agent", "central", "protocols", "simulators")
READMES = [
    ROOT / "README.md",
    ROOT / "tests" / "README.md",
    *sorted(path for name in (*PACKAGES, "systemd") for path in (ROOT / name).rglob("*.md")),
]
# What a user has, or an example calls so
OF_A_USER = {"gateway.toml", "central.toml", "ek220.toml", "my-meter.toml"}
FILE = re.compile(r"`([\w./-]+\.(?:py|toml|html|css|js|service|txt))`")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_stands_in_its_readme(package: str) -> None:
    """In that of its own folder or of the nearest above, so that a newcomer finds its purpose."""
    missing = []
    for module in sorted((ROOT / package).rglob("*.py")):
        if module.name == "__init__.py" or "migrations" in module.parts:
            continue
        folder = next(up for up in module.parents if (up / "README.md").is_file())
        text = (folder / "README.md").read_text(encoding="utf-8")
        if not re.search(rf"[`/]{re.escape(module.name)}`", text):
            missing.append(named(module))
    assert missing == []


@pytest.mark.parametrize("readme", READMES, ids=named)
def test_every_file_and_link_is_there(readme: Path) -> None:
    """What a README names lies below its folder, or at that path from the root."""
    folders = (
        [readme.parent] if readme.parent != ROOT else [ROOT / name for name in (*PACKAGES, "tests")]
    )
    known = OF_A_USER.union(path.name for folder in folders for path in folder.rglob("*"))
    text = readme.read_text(encoding="utf-8")
    files = [name for name in FILE.findall(text) if Path(name).name not in known]
    gone = [name for name in files if not (ROOT / name).is_file()]
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    gone += [link for link in links if not (readme.parent / link).exists()]
    assert gone == []


@pytest.mark.parametrize("readme", READMES, ids=named)
def test_every_make_target_exists(readme: Path) -> None:
    """`make something` is a command, not a memory of one."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = re.findall(r"(?:`|^ {4})make ([a-z-]+)", readme.read_text(encoding="utf-8"), re.M)
    assert set(asked) <= targets
