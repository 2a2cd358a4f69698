"""`edge-agent config`: asks the running agent, or does it by itself where none runs.

Exit status: 0 good, 1 faults, refused or rolled back, 2 it could not be done.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edge_agent.config.file import ConfigErrors, read_config, read_config_bytes
from edge_agent.config.model import ControlConfig
from edge_agent.config_store.difference import hidden
from edge_agent.config_store.exchange import no_way_back
from edge_agent.config_store.files import find_state_dir
from edge_agent.console import FINDINGS, GOOD, could_not, show
from edge_agent.control.client import NoAgent, SocketError, ask_agent
from edge_agent.control.protocol import Call
from edge_agent.language import load_words
from edge_agent.packaged import usual_sockets
from edge_agent.remote.desk import SCHEMA, Desk
from edge_agent.remote.effective import effective
from edge_agent.remote.routes import by_own_word, hidden_line
from edge_agent.remote.screens import change_lines, effective_lines, offer_lines, version_lines
from edge_agent.terminal import is_chinese, printable, wrapped

if TYPE_CHECKING:
    import argparse

    from edge_agent.language import Words

LOOK_S: Final = 1.0
GRACE_S: Final = 60.0  # beside the trial: to end, to begin anew
_YES: Final = ("y", "yes", "是")
Told = Mapping[str, Any]


class _Refused(Exception):  # noqa: N818
    """An answer that says no."""

    def __init__(self, told: Told) -> None:
        self.told = told
        super().__init__(told.get("error"))


def run_config(options: argparse.Namespace) -> int:
    """The exit status."""
    words = load_words("edge_agent.remote", chinese=is_chinese(os.environ))
    work = _Work(options, words)
    do = {
        "show": work.show,
        "check": work.check,
        "diff": work.diff,
        "apply": work.apply,
        "rollback": work.roll_back,
        "versions": work.versions,
        "accept": work.accept,
    }
    try:
        return do[options.do]()
    except _Refused as no:
        return work.tell_refusal(no.told)
    except (SocketError, OSError) as error:
        return could_not(error)


class _Work:
    """One call of the command."""

    def __init__(self, options: argparse.Namespace, words: Words) -> None:
        self._options = options
        self._words = words
        self._path: Path = options.config
        self._desk = Desk(self._path)
        self._sockets = _sockets(self._path)
        self._asked_agent = False

    # ---- to look ----------------------------------------------------------------------------

    def show(self) -> int:
        text = self._text(self._options.version)
        if self._options.effective:
            fields = effective(read_config(text.encode(), self._path))
            return self._tell({"effective": fields}, effective_lines(fields))
        lines = [hidden_line(line) for line in text.splitlines()]
        shown = [printable(line.expandtabs(4)) for line in lines]
        return self._tell({"path": f"{self._path}", "toml": "\n".join(lines)}, shown)

    def versions(self) -> int:
        told = self._ask(Call("config-versions"))
        return self._tell(told, version_lines(told, self._words))

    def check(self) -> int:
        """As if it stood in the place of gateway.toml: relative paths begin there."""
        path = self._options.file or self._path
        try:
            config = read_config(read_config_bytes(path), self._path)
        except ConfigErrors as error:
            faults = [str(each) for each in error.faults]
            return self.tell_refusal({"error": self._words("faulty"), "faults": faults})
        lines = [
            self._words("good"),
            *(line for w in config.warnings for line in wrapped(self._words.said(w), 2, 4)),
        ]
        return self._tell({"warnings": list(config.warnings), "faults": []}, lines)

    def diff(self) -> int:
        other = self._options.other
        if other is None or other.isdigit():
            old, new = self._text(int(other or 0) or self._before()), self._text(0)
        else:
            old, new = self._text(0), read_config_bytes(Path(other)).decode("utf-8", "replace")
        told = self._changes(old, new)
        self._tell(told, self._change_lines(told))
        return FINDINGS if told["changes"] else GOOD

    def _change_lines(self, told: Told) -> list[str]:
        lines = change_lines(told["changes"], self._words)
        if told["exchanges"]:
            what = "; ".join(told["exchanges"])
            lines += ["", *wrapped(self._words("exchange", what=what))]
        return lines

    def _show_way_back(self, versions: Told) -> None:
        """What a way back changes. Raises _Refused where it leads over another meter."""
        number = self._options.version or versions.get("before", 0)
        if not any(one["number"] == number for one in versions["versions"]):
            return  # the answer says which there are
        told: Told = self._desk.difference(self._text(0).encode(), self._text(number).encode())
        if not told["ok"]:
            return
        self._say(["", *change_lines(told["changes"], self._words)])
        why_not = "" if versions["trial"] else no_way_back(number, told["exchanges"])
        if why_not:
            raise _Refused({"error": why_not})

    def _before(self) -> int:
        told = self._ask(Call("config-versions"))
        earlier = [one["number"] for one in told["versions"] if one["number"] < told["current"]]
        if not earlier:
            raise _Refused({"error": self._words("no_earlier")})
        return int(max(earlier))

    def _changes(self, old: str, new: str) -> Told:
        told = self._desk.difference(old.encode(), new.encode())
        if not told["ok"]:
            raise _Refused(told)
        return told

    # ---- to act -----------------------------------------------------------------------------

    def apply(self) -> int:
        candidate = read_config_bytes(self._options.file)
        try:
            read_config(candidate, self._path)
        except ConfigErrors as error:
            faults = [str(each) for each in error.faults]
            return self.tell_refusal({"error": self._words("faulty"), "faults": faults})
        text = candidate.decode()
        if self._path.exists():
            told = self._desk.difference(self._text(0).encode(), candidate)
            # what cannot be read is what is to be mended: no reason to refuse that
            unread = [self._words("unread")]
            self._say(self._change_lines(told) if told["ok"] else unread)
        if not self._confirmed("apply"):
            return FINDINGS
        call = Call("config-apply", {"toml": text, **self._said()})
        return self._wait_for_trial(self._ask(call, acts=True))

    def roll_back(self) -> int:
        versions = self._ask(Call("config-versions"))
        self._say(version_lines(versions, self._words))
        self._show_way_back(versions)
        if not self._confirmed("rollback"):
            return FINDINGS
        call = Call("config-rollback", {"version": self._options.version, **self._said()})
        return self._wait_for_trial(self._ask(call, acts=True))

    def accept(self) -> int:
        number = self._options.number
        told = self._ask(Call("config-offer", {"number": number}))
        self._say(offer_lines(told, self._words))
        if not self._confirmed("accept"):
            return FINDINGS
        call = Call("config-accept", {"number": number, **self._said()})
        return self._tell(self._ask(call, acts=True), [self._words("accepted", number=number)])

    def _said(self) -> dict[str, object]:
        return {"who": self._options.who, "reason": self._options.reason}

    def _confirmed(self, act: str) -> bool:
        if self._options.yes:
            return True
        if not sys.stdin.isatty():
            raise _Refused({"error": self._words("nobody")})
        sys.stderr.write(self._words(f"ask.{act}") + " ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() in _YES:
            return True
        sys.stderr.write(self._words("nothing_done") + "\n")
        return False

    def _wait_for_trial(self, applied: Told) -> int:
        number = applied["number"]
        self._say([self._words("applied", number=number)])
        if not applied["on_trial"] or self._options.no_wait or not self._asked_agent:
            return self._tell(applied, self._without_trial(applied))
        limit_s = read_config(read_config_bytes(self._path), self._path).remote.trial_s
        self._say(wrapped(self._words("trial", seconds=f"{limit_s:g}", back=applied["back"])))
        pause, waited_s = threading.Event(), 0.0
        while waited_s < limit_s + GRACE_S:
            pause.wait(LOOK_S)
            waited_s += LOOK_S
            told = self._look()
            if told is not None and told["trial"] is None:
                return self._tell_outcome(applied, told)
        return self._tell(applied, wrapped(self._words("goes_on")))

    def _without_trial(self, applied: Told) -> list[str]:
        """Why nothing is waited for, where that is not what he asked for himself."""
        if applied["on_trial"]:
            return [] if self._asked_agent else [self._words("next_start")]
        is_apply = self._options.do == "apply" and applied["back"]
        return wrapped(self._words("no_trial")) if is_apply else []

    def _look(self) -> Told | None:
        """None while the agent begins anew: its socket is not there, or does not answer."""
        try:
            return self._ask(Call("config-versions"))
        except (SocketError, OSError, _Refused):
            return None

    def _tell_outcome(self, applied: Told, told: Told) -> int:
        version = next(v for v in told["versions"] if v["number"] == applied["number"])
        outcome = version["outcome"]
        words = (
            self._words("kept") if outcome == "good" else self._words("back", why=version["fate"])
        )
        self._tell({**applied, "outcome": outcome, "why": version["fate"]}, wrapped(words, 0, 2))
        return GOOD if outcome == "good" else FINDINGS

    # ---- asking, telling --------------------------------------------------------------------

    def _text(self, version: int) -> str:
        if version == 0:
            try:
                return read_config_bytes(self._path).decode("utf-8", "replace")
            except PermissionError:
                pass
        return str(self._ask(Call("config-text", {"version": version}))["toml"])

    def _ask(self, call: Call, *, acts: bool = False) -> Told:
        """Of the running agent, else by the files themselves. Raises _Refused, SocketError."""
        try:
            told = self._ask_agent(call, acts=acts)
        except NoAgent:
            told = self._do(call)
        if not told.get("ok"):
            raise _Refused(told)
        return told

    def _ask_agent(self, call: Call, *, acts: bool) -> Told:
        if self._sockets is None:
            raise NoAgent(f"{self._path}")
        place = self._sockets.act_socket if acts else self._sockets.read_socket
        told = ask_agent(place, call)
        self._asked_agent = True
        return told

    def _do(self, call: Call) -> Told:
        fields: Any = call.fields
        by = by_own_word(str(fields.get("who", "")), f"uid {os.getuid()}"), fields.get("reason", "")
        match call.do:
            case "config-versions":
                return self._desk.versions()
            case "config-text":
                return self._desk.text(fields["version"])
            case "config-offer":
                return self._desk.offer(fields["number"])
            case "config-apply":
                return self._desk.apply(fields["toml"].encode(), *by)
            case "config-rollback":
                return self._desk.roll_back(fields["version"], *by)
            case _:
                return self._desk.accept(fields["number"], *by)

    def _say(self, lines: list[str]) -> None:
        """To a person; not where a program reads."""
        if not self._options.json:
            show("\n".join(lines))

    def _tell(self, told: Told, lines: list[str]) -> int:
        if self._options.json:
            show(json.dumps({"schema": SCHEMA, **told}, ensure_ascii=False))
        elif lines:
            show("\n".join(lines))
        return GOOD

    def tell_refusal(self, told: Told) -> int:
        """Why not, and every fault."""
        faults = [hidden(str(each)) for each in told.get("faults") or []]
        if self._options.json:
            answer = {"schema": SCHEMA, "ok": False, "error": told["error"], "faults": faults}
            show(json.dumps(answer, ensure_ascii=False))
            return FINDINGS
        for fault in faults:
            show("\n".join(wrapped(self._words.said(fault), 2, 4)))
        error = self._words.said(str(told["error"]))
        sys.stderr.write("\n".join(wrapped(f"edge-agent: {error}")) + "\n")
        return FINDINGS


def _sockets(path: Path) -> ControlConfig | None:
    """Where the agent of this file listens; of a file that cannot be read, the usual place."""
    try:
        return read_config(read_config_bytes(path), path).control
    except (OSError, ConfigErrors):
        state_dir = find_state_dir(path, os.environ)
        return None if state_dir is None else ControlConfig(usual_sockets(state_dir))
