"""The arguments of `edge-agent verify`, and what it prints."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from edge_agent.console import could_not, overwrite, show


def add_verify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verify = commands.add_parser(
        "verify",
        help="check a proof, an export or a daily checkpoint, offline",
        description="Needs no configuration, no key and no network: whoever has the folder or zip "
        "that central made can check it. Speaks Chinese where LANG does. Exit status: 0 proven, "
        "1 a flaw was found and is named, 2 it could not be read.",
        epilog="example: edge-agent verify proof.zip",
    )
    verify.add_argument("place", type=Path, metavar="FILE|DIR", help="a zip, or a folder")
    verify.add_argument("--publisher", type=_fingerprint, metavar="FINGERPRINT",
                        help="of the keys to be believed: 64 hex digits")  # fmt: skip
    verify.set_defaults(command=_verify)


def _fingerprint(text: str) -> str:
    digits = re.sub(r"[\s:]", "", text).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise argparse.ArgumentTypeError("must be 64 hex digits, as edge-central publisher prints")
    return digits


def _verify(options: argparse.Namespace) -> int:
    from edge_agent.language import load_words
    from edge_agent.terminal import is_chinese
    from edge_agent.verify.command import verify
    from edge_agent.verify.folder import Unreadable

    words = load_words("edge_agent.verify", chinese=is_chinese(os.environ))

    def progress(done: int, uploads: int) -> None:
        overwrite(words("e.progress", done=done, uploads=uploads))

    try:
        verdict = verify(options.place, options.publisher, words, progress)
    except (Unreadable, OSError) as error:
        return could_not(error)
    finally:
        overwrite("")
    show("\n".join(verdict.lines))
    return verdict.status
