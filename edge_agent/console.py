"""What all commands share: the exit status, the configuration, and how a failure is told.

Like every module of the command line it imports late: a command loads what it needs, no other's.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse

    from edge_agent.config.model import AgentConfig

GOOD: Final = 0
FINDINGS: Final = 1  # a faulty configuration, an agent that ended badly
COULD_NOT: Final = 2
MOST_WORDS: Final = 200
"""Characters of a person's words, as the sockets and the log take them."""
INTERRUPTED: Final = 130  # Ctrl-C, as a shell has it
_IN_ASCII: Final = {
    "°": "deg", "℃": "degC", "²": "2", "³": "3", "Ω": "ohm", "→": "->", "…": "...", "“": '"',
    "”": '"', "：": ":", "，": ",", "；": ";", "（": "(", "）": ")",
}  # fmt: skip
CONFIG: Final = Path("/etc/edge-agent/gateway.toml")


class CannotTell(Exception):  # noqa: N818 - what was found is the name
    """What was found out could not be written; says where and why."""


def bounded(run: Callable[[], int]) -> int:
    """A command's exit status, whatever terminal it speaks to, and wherever a person ends it.

    Ctrl-C ends it without a traceback, and so does a reader who reads no further (`| head`).
    """
    fit_streams()
    try:
        status = run()
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except CannotTell as error:
        return could_not(error)
    except BrokenPipeError:
        if _is_read():  # it was another pipe, a socket
            raise
        leave_pipe()
        return GOOD
    return status


def _is_read() -> bool:
    """Whether somebody reads standard output: of a pipe without a reader the system tells."""
    import select

    asked = select.poll()
    asked.register(sys.stdout.fileno(), 0)
    return not any(told & select.POLLERR for _, told in asked.poll(0))


def fit_streams() -> None:
    """What a terminal or a locale has no character for is told in ASCII, and is no failure."""
    from edge_agent.screen import is_ascii

    codecs.register_error("ascii-words", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Python writes UTF-8 in locale C (PEP 540), which a serial console cannot draw
            plain = stream.isatty() and is_ascii(stream.encoding)
            encoding = "ascii" if plain else stream.encoding
            stream.reconfigure(encoding=encoding, errors="ascii-words")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """For `codecs.register_error`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(each, "?") for each in text), error.end


def add_config(command: argparse.ArgumentParser) -> None:
    """`--config`, as all commands have it."""
    default = Path(os.environ.get("EDGE_AGENT_CONFIG") or CONFIG)
    command.add_argument(
        "--config",
        type=Path,
        default=default,
        metavar="gateway.toml",
        help=f"default: $EDGE_AGENT_CONFIG, or {CONFIG}",
    )


def add_person(command: argparse.ArgumentParser) -> None:
    """`--who` and `--reason`, as all acts have them."""
    command.add_argument("--who", required=True, metavar="NAME", type=own_words,
                         help="recorded as your own word")  # fmt: skip
    command.add_argument("--reason", required=True, metavar="TEXT", type=own_words)


def own_words(text: str) -> str:
    """As the log takes it: told before a meter is changed, not after it."""
    import argparse

    printable = text.replace("\u3000", " ").isprintable()  # a blank as wide as Han
    if not (printable and text.strip() and len(text) <= MOST_WORDS):
        raise argparse.ArgumentTypeError(f"must be printable text of 1 to {MOST_WORDS} characters")
    return text


def narrow(prog: str) -> argparse.HelpFormatter:
    """Help for 80 columns. Not to ask the terminal how wide it is saves an import of 3 ms."""
    import argparse

    class Narrow(argparse.HelpFormatter):
        """A path, a command, an option stays whole, to be copied."""

        def _split_lines(self, text: str, width: int) -> list[str]:
            import textwrap

            plain = " ".join(text.split())
            return textwrap.wrap(plain, width, break_on_hyphens=False, break_long_words=False)

        def _fill_text(self, text: str, width: int, indent: str) -> str:
            return "\n".join(indent + line for line in self._split_lines(text, width))

    return Narrow(prog, width=78)


def load(path: Path) -> AgentConfig | None:
    """The configuration, or None once its faults are told."""
    from edge_agent.config.file import ConfigErrors, load_config

    try:
        return load_config(path)
    except ConfigErrors as error:
        tell_faults(error, len(error.faults))
        return None


def tell_faults(error: object, count: int) -> None:
    """All of them, and how many they are."""
    from edge_agent.terminal import is_chinese

    complain(said(f"{error}"))
    counted = "1 fault" if count == 1 else f"{count} faults"
    print(f"{count} 处错误" if is_chinese(os.environ) else counted, file=sys.stderr)


def could_not(why: object) -> int:
    told = _of_a_file(why) if isinstance(why, OSError) else ""
    complain(f"edge-agent: {said(told or f'{why}')}")
    return COULD_NOT


def _of_a_file(error: OSError) -> str:
    """Which file, what, and who may; "" where the error is a sentence of our own."""
    from edge_agent.permission import why_closed  # only after a failure: a command is quick

    if not (error.strerror and isinstance(error.filename, str)):
        return ""
    remedy = why_closed(Path(error.filename)) or "check the path"
    return f"{error.filename}: {error.strerror}; {remedy}"


def said(text: str) -> str:
    """A failure, in the language of the environment."""
    from edge_agent.sentences.spoken import spoken
    from edge_agent.terminal import is_chinese

    return spoken(text, chinese=is_chinese(os.environ))


def complain(text: str) -> None:
    """On standard error: in lines of a terminal's width, whole where a program reads it."""
    if sys.stderr.isatty():
        from edge_agent.terminal import wrapped

        text = "\n".join(line for part in text.split("\n") for line in wrapped(part, 0, 2))
    print(text, file=sys.stderr)


def show(text: str) -> None:
    """On standard output, also into `| head`: who reads no further is no failure."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        leave_pipe()
    except OSError as error:  # a full disk, as a rule
        leave_pipe()
        raise CannotTell(f"standard output: {error.strerror}; look at the disk") from error


def overwrite(text: str) -> None:
    """How far a long look is: a line that the next one replaces; nothing into a file or a pipe."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def leave_pipe() -> None:
    """Nobody reads on: what is left in the buffer must not fail again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
