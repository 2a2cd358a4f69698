"""What `edge-agent --help` shows: all commands on one screen, by what they are for."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Final

WIDTH: Final = 80
_INDENT: Final = 17
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "first": ("status", "doctor", "live", "commission"),
    "look": (
        "alarms", "events", "history", "report", "queue", "storage", "time", "power", "log",
    ),
    "line and link": ("bus", "read", "dump", "write", "profile", "plan", "link"),
    "acts on site": ("compare", "meter", "cal", "regulator", "config"),
    "evidence": ("verify", "key", "enroll", "export", "import"),
    "gas": ("gas", "convert"),
    "service": ("run", "check", "migrate", "clock-floor", "support-bundle", "completion"),
}  # fmt: skip
FIRST: Final = "first"


def overview(told: Mapping[str, str]) -> str:
    """At most 24 lines of 80 columns; `told`: each command's one line of help."""
    lines = ["usage: edge-agent COMMAND ...", "", "The agent of a gas gateway.", ""]
    lines += [f"  {name:<{_INDENT - 2}}{told[name]}"[:WIDTH] for name in GROUPS[FIRST]]
    lines.append("")
    for group, names in GROUPS.items():
        if group != FIRST:
            head = f"  {group + ':':<{_INDENT - 2}}"
            lines += textwrap.wrap(
                ", ".join(names),
                WIDTH,
                initial_indent=head,
                subsequent_indent=" " * _INDENT,
                break_on_hyphens=False,
            )
    lines += ["", "edge-agent COMMAND --help says more, with an example. Exit status: 0 good,",
              "1 findings, 2 it could not be done."]  # fmt: skip
    return "\n".join(lines) + "\n"
