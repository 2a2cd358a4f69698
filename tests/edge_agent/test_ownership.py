"""What root made becomes the agent's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_agent.ownership import hand_over, trap_in

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def folder_of_another(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, 12345, 12346)
    return state


@as_root
def test_files_get_the_owner_of_their_folder(tmp_path: Path) -> None:
    """State of the state directory's, configuration of its folder's; no link is followed."""
    state, etc = tmp_path / "state", tmp_path / "etc"
    (state / "config").mkdir(parents=True)
    etc.mkdir()
    for path in (state / "log.key", state / "config" / "v1", etc / "gateway.toml"):
        path.write_text("x")
    (state / "link").symlink_to(tmp_path / "alien")
    (tmp_path / "alien").write_text("x")
    os.chown(state, 12345, 12346)
    os.chown(etc, 12345, 12347)
    hand_over(state, (etc / "gateway.toml", etc / "missing"))
    assert [(state / "config" / "v1").stat().st_uid, (state / "log.key").stat().st_gid] == [
        12345,
        12346,
    ]
    assert (etc / "gateway.toml").stat().st_gid == 12347
    assert (tmp_path / "alien").stat().st_uid == 0


@as_root
def test_what_has_another_name_elsewhere_is_not_given_away(tmp_path: Path) -> None:
    """A second name of root's file within the folder would be a way to that file."""
    state = folder_of_another(tmp_path)
    (tmp_path / "shadow").write_text("root's")
    (state / "log.key").hardlink_to(tmp_path / "shadow")
    hand_over(state)
    assert (tmp_path / "shadow").stat().st_uid == 0


@as_root
def test_a_folder_that_is_changed_meanwhile_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner puts a link to root's folder in its place while root gives files away."""
    state, etc = folder_of_another(tmp_path), tmp_path / "etc"
    (state / "config").mkdir()
    etc.mkdir()
    for name in ("first", "shadow"):
        (state / "config" / name).write_text("x")
        (etc / name).write_text("root's")
    chown = os.chown

    def swaps_first(*args: Any, **kwargs: Any) -> None:
        if not (state / "config").is_symlink() and "config" not in args:
            (state / "config").rename(state / "away")
            (state / "config").symlink_to(etc)
        chown(*args, **kwargs)

    monkeypatch.setattr(os, "chown", swaps_first)
    hand_over(state)
    monkeypatch.undo()
    assert (state / "config").is_symlink()
    assert {(etc / name).stat().st_uid for name in ("first", "shadow")} == {0}


@as_root
@pytest.mark.parametrize(
    ("make", "is_trap"),
    [
        (lambda at: at.symlink_to("/etc/shadow"), True),
        (lambda at: os.mkfifo(at), True),
        (lambda at: at.hardlink_to(at.parent.parent / "of-root"), True),
        (lambda at: at.write_text("x"), False),
    ],
    ids=["link", "pipe", "second name", "file"],
)
def test_a_trap_is_named(tmp_path: Path, make: Callable[[Path], object], is_trap: bool) -> None:
    """And what root put there itself is none."""
    state = folder_of_another(tmp_path)
    (tmp_path / "of-root").write_text("x")
    at = state / "epoch"
    make(at)
    if not at.samefile(tmp_path / "of-root"):
        os.chown(at, 12345, 12346, follow_symlinks=False)
    (state / "own").symlink_to("/srv/certificates")
    assert trap_in(state) == (at if is_trap else None)
