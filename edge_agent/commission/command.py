"""`edge-agent commission`: by questions at a terminal, or by a file of answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edge_agent.commission.answers import (
    MAX_BYTES,
    AnswersError,
    Key,
    dotted,
    parse_answers,
    parse_row,
)
from edge_agent.commission.batch import Trouble, fill, gather
from edge_agent.commission.closing import PACKAGE, CannotClose, close
from edge_agent.commission.ending import check_link, keep, tell_done, unbroken
from edge_agent.commission.interview import Interview, progress_of
from edge_agent.commission.review import reread
from edge_agent.commission.session import Session
from edge_agent.commission.sight import Sight
from edge_agent.console import CONFIG, FINDINGS, GOOD, could_not, show
from edge_agent.language import Words, load_words
from edge_agent.ownership import hand_over
from edge_agent.regular_file import read_regular
from edge_agent.terminal import is_chinese, wrapped

if TYPE_CHECKING:
    import argparse

SCHEMA: Final = 1
STATE_DIR: Final = Path("/var/lib/edge-agent")
_KINDS: Final = frozenset(
    {"site", "gateway", "central", "bus", "device", "gas", "run", "regulator", "commission"}
    | {"wizard"}
)


def commission(options: argparse.Namespace) -> int:
    """The exit status."""
    words = load_words(PACKAGE, chinese=is_chinese(os.environ))
    path: Path = options.config.absolute()
    progress = progress_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            return could_not(words("no_leave", path=path.parent))
        if options.answers or options.table:
            return _by_file(options, path, words)
        if options.json:
            return could_not("--json goes with --answers: a wizard is for people")
        if not sys.stdin.isatty():
            return could_not(words("no_terminal"))
        given = (
            parse_answers(read_regular(progress, MAX_BYTES), str(progress))
            if options.resume
            else {}
        )
    except AnswersError as error:
        return could_not(error)
    except KeyboardInterrupt:
        return could_not(words("broken_off"))
    except OSError as error:
        return could_not(f"{error.filename}: {error.strerror or error}; check the path")
    if not options.resume and progress.exists():
        show(words("unfinished", path=progress))
    return Interview(options, path, _state_dir(options, path), words).run(given)


# ---- by a file --------------------------------------------------------------------------------


def _by_file(options: argparse.Namespace, path: Path, words: Words) -> int:
    given: dict[Key, str] = {}
    if options.answers:
        given |= parse_answers(read_regular(options.answers, MAX_BYTES), str(options.answers))
    if options.table:
        if not options.row:
            return could_not("--table needs --row: which site of it")
        given |= parse_row(read_regular(options.table, MAX_BYTES), str(options.table), options.row)
    say: Callable[[str], None] = (lambda _: None) if options.json else show
    state = _state_dir(options, path)
    trouble = [
        Trouble(dotted(key), words("unknown_answer"), False)
        for key in given
        if key[0] not in _KINDS
    ]
    trouble += gather(given, path, state, words)
    if trouble:
        return _tell(trouble, options, words)
    answers = dict(given)
    session = Session(answers, path, state, Sight(answers, path, options.wait, say))
    trouble = fill(session, given, words)
    if trouble:
        hand_over(state, ())  # keys that were made on the way
        return _tell(trouble, options, words)
    if options.write_answers:
        keep(options.write_answers, answers, progress=False)
    try:
        with unbroken():
            closed = close(answers, given, path, words, reread)
    except CannotClose as error:
        return could_not(error)
    if not options.json:
        tell_done(closed, path, words)
    status = GOOD if options.no_link else check_link(closed, quiet=options.json)
    if options.json:
        told = {"schema": SCHEMA, "commissioned": True, "gateway": closed.config.gateway,
                "config": str(path), "sheet": str(closed.sheet),
                "statements": closed.statements, "link_good": status == GOOD,
                "missing": [], "wrong": []}  # fmt: skip
        show(json.dumps(told, ensure_ascii=False))
    return status


def _tell(trouble: list[Trouble], options: argparse.Namespace, words: Words) -> int:
    """All that is missing or wrong, at once."""
    if options.json:
        told: Mapping[str, Any] = {
            "schema": SCHEMA, "commissioned": False,
            "missing": [one.answer for one in trouble if one.is_missing],
            "wrong": [{"answer": one.answer, "problem": one.problem}
                      for one in trouble if not one.is_missing],
        }  # fmt: skip
        show(json.dumps(told, ensure_ascii=False))
        return FINDINGS
    for one in trouble:
        for line in wrapped(f"{one.answer}: {words.said(one.problem)}", 0, 4):
            sys.stderr.write(line + "\n")
    sys.stderr.write(words("trouble", count=len(trouble)) + "\n")
    return FINDINGS


def _state_dir(options: argparse.Namespace, path: Path) -> Path:
    if options.state:
        return Path(options.state).absolute()
    return STATE_DIR if path.parent == CONFIG.parent else path.parent / "state"
