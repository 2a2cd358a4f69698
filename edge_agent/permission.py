"""Why a file is closed to whoever asks, and which group opens it: asked only after a failure."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

LOOK_INTO = os.R_OK | os.X_OK


def why_closed(path: Path, need: int = os.R_OK, alone: str = "have it given to a group") -> str:
    """What is in the way, a folder above it or the file itself, and the remedy; "" where nothing
    is, or there is no such file. `need`: os.R_OK, os.W_OK; `alone`: what to do where no group may.
    """
    for place, wanted in (*((folder, os.X_OK) for folder in reversed(path.parents)), (path, need)):
        try:
            found = place.stat()
        except OSError:  # not there; what is closed above it was told
            return ""
        if not os.access(place, wanted):
            return f"{place} {_remedy(found, wanted, alone)}"
    return ""


def _remedy(found: os.stat_result, wanted: int, alone: str) -> str:
    owner = user_name(found.st_uid)
    if found.st_mode & (wanted << 3) != wanted << 3:  # the bits of the group
        return f"is {owner}'s alone: {alone}, or be {owner}"
    if found.st_gid == 0:  # nobody is put into it
        return f"is {owner}'s alone: run it as {owner} (sudo)"
    group, me = group_name(found.st_gid), user_name(os.getuid())
    if _is_listed(found.st_gid, me):
        return f"is for the group {group}: you were put into it after you logged in; log in anew"
    return (
        f"is for the group {group}, and you are not in it: whoever runs this machine adds you "
        f"(usermod -aG {group} {me}), then log in anew"
    )


def _is_listed(gid: int, user: str) -> bool:
    """By the machine's list; this process may have begun before."""
    try:
        return user in grp.getgrgid(gid).gr_mem
    except KeyError:
        return False


def group_name(gid: int) -> str:
    """Its number where the machine has no name for it."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
