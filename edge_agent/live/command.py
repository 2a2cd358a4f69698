"""`edge-agent live`: on a terminal the view, else a snapshot a line."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import TYPE_CHECKING, Final

from edge_agent.console import FINDINGS, GOOD, could_not, leave_pipe
from edge_agent.control.client import LOOK_S, Conversation, NoAgent, SocketError
from edge_agent.control.protocol import Call
from edge_agent.language import load_words
from edge_agent.screen import is_ascii
from edge_agent.status.words_of_time import local_of
from edge_agent.terminal import is_chinese

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.config.model import AgentConfig

EACH_S: Final = 1.0
_WIDTH: Final = 80


def live(config: AgentConfig) -> int:
    """The view, until a person ends it. An agent that does not run at the start is a failure; one
    that ends later is waited for."""
    control = config.control
    assert control is not None  # every file has the section or its defaults
    ascii_only = is_ascii(sys.stdout.encoding)
    chinese = is_chinese(os.environ) and not ascii_only
    words = load_words("edge_agent.live", chinese=chinese)
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        return could_not(words("needs_terminal"))
    try:
        with Conversation(control.read_socket, LOOK_S):
            pass
    except NoAgent as error:
        return could_not(_no_agent(error))
    except SocketError as error:
        return could_not(error)
    # only here: Textual takes a fifth of a second and 20 MB
    from edge_agent.live.app import Live
    from edge_agent.live.pages import Look
    from edge_agent.live.watcher import Watcher

    codes = load_words("edge_agent.status", chinese=chinese)
    look = Look(words, codes, local_of(config.site.zone), _WIDTH, ascii_only)
    watcher = Watcher(control.read_socket)
    watcher.start()
    try:
        return Live(watcher, look).run(mouse=False) or GOOD
    finally:
        watcher.stop()


def stream(path: Path, count: int | None, pause: threading.Event) -> int:
    """`--json`: what the socket answers, a line each second, until nobody reads on."""
    done = 0
    try:
        with Conversation(path, LOOK_S) as conversation:
            while count is None or done < count:
                if done:
                    pause.wait(EACH_S)
                answer = conversation.ask(Call("status"))
                sys.stdout.write(json.dumps(answer) + "\n")
                sys.stdout.flush()
                done += 1
    except NoAgent as error:
        return could_not(_no_agent(error))
    except SocketError as error:
        return could_not(error) if not done else FINDINGS
    except BrokenPipeError:
        leave_pipe()
    except KeyboardInterrupt:
        pass
    return GOOD


def _no_agent(error: NoAgent) -> str:
    return f"no agent listens at {error}: start it (systemctl start edge-agent), then come back"
