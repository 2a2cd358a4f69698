from pathlib import Path

import pytest

from central.web import vendor


def test_libraries_are_there() -> None:
    """The build step has put every library into the folder that the pages load from."""
    missing = [name for name in vendor.FILES.values() if not (vendor.STATIC / name).is_file()]
    assert not missing, "run: make central/web/static/vendor/.ready"


def test_copy_leaves_nothing_else(tmp_path: Path) -> None:
    """A file of an older version does not stay behind."""
    packages, target = tmp_path / "node_modules", tmp_path / "vendor"
    for source in vendor.FILES:
        (packages / source).parent.mkdir(parents=True, exist_ok=True)
        (packages / source).write_text(source)
    target.mkdir()
    (target / "old.js").write_text("old")
    vendor.copy(packages, target)
    assert {path.name for path in target.iterdir()} == set(vendor.FILES.values())
    assert (target / "uPlot.min.css").read_text() == "uplot/dist/uPlot.min.css"


def test_a_failing_npm_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where npm fails the build stops, and says what is missing and what to look at."""
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "package-lock.json").write_text("no JSON")
    (tmp_path / ".npmrc").write_text("offline=true\n")
    monkeypatch.setattr(vendor, "HERE", tmp_path)
    folder = tmp_path / "work"
    folder.mkdir()
    with pytest.raises(SystemExit, match=r"npm ci failed.*check the network"):
        vendor.install(folder)
