"""`edge-agent doctor`: looks, diagnoses, tells."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge_agent.console import FINDINGS, GOOD, could_not, show
from edge_agent.doctor import lines
from edge_agent.doctor.diagnose import diagnose
from edge_agent.doctor.finding import Area, Finding
from edge_agent.doctor.look import Looked, Wanted, look
from edge_agent.link_test.lines import show_lines
from edge_agent.screen import is_ascii
from edge_agent.terminal import is_chinese

if TYPE_CHECKING:
    from edge_agent.language import Words

_OF_AGENT = (Area.BUS, Area.DEVICE)


def doctor(path: Path, wanted: Wanted, *, as_json: bool) -> int:
    """The exit status."""
    if not path.is_file():
        return could_not(f"{path} is not there: name it by --config, or edge-agent commission")
    words = lines.words_of(chinese=is_chinese(os.environ))
    tell = _teller(words, quiet=as_json or not _can_overwrite())
    with _quiet():
        looked = look(path, wanted, tell)
    tell("")
    known = {bus.name for bus in looked.config.buses} if looked.config else set()
    if wanted.bus and looked.config and wanted.bus not in known:
        return could_not(f"no bus {wanted.bus!r}; there are: {', '.join(sorted(known))}")
    findings = _of_bus(diagnose(looked.snapshot, looked.config, looked.host), looked, wanted.bus)
    _tell(findings, looked, words, as_json=as_json)
    return FINDINGS if findings else GOOD


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the agent's parts would log here are findings."""
    log = logging.getLogger("edge_agent")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _can_overwrite() -> bool:
    """A line of progress that the next one replaces."""
    return sys.stderr.isatty() and not is_ascii(sys.stderr.encoding)


class _teller:  # noqa: N801  # a function with the width of its last line
    """What is being looked at, on one line of standard error that the next one replaces."""

    def __init__(self, words: Words, *, quiet: bool) -> None:
        self._words = words
        self._quiet = quiet

    def __call__(self, part: str) -> None:
        if self._quiet:
            return
        text = f"{self._words(f'looking.{part}')} ..." if part else ""
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _of_bus(findings: Sequence[Finding], looked: Looked, bus: str) -> Sequence[Finding]:
    """With `--bus` only what is about it and its devices; and that no agent runs."""
    if not bus or looked.snapshot is None:
        return findings
    names = {device.name for device in looked.snapshot.devices if device.bus == bus} | {bus}
    return [one for one in findings if one.where in names or one.area is Area.SITE]


def _tell(findings: Sequence[Finding], looked: Looked, words: Words, *, as_json: bool) -> None:
    encoding = sys.stdout.encoding
    host = looked.host
    gateway = looked.config.gateway if looked.config else str(host.config_path)
    unchecked = _unchecked(looked)
    if as_json:
        checked = (unchecked, host.unknown, host.agent.value)
        told = lines.as_json(findings, gateway, checked, words)
        show(json.dumps(told, ensure_ascii=is_ascii(encoding)))
        return
    text = [lines.summary(findings, gateway, words, encoding)]
    text += lines.lines_of(findings, unchecked, words, encoding)
    text += lines.unknown_lines(host.unknown, words)
    show_lines(text, encoding)


def _unchecked(looked: Looked) -> tuple[Area, ...]:
    """Without a configuration only its own faults are known."""
    if looked.config is None:
        return tuple(area for area in Area if area is not Area.CONFIGURATION)
    unchecked = () if looked.snapshot else _OF_AGENT
    return unchecked if looked.host.link else (*unchecked, Area.LINK)
