"""At the meter: which one answers, the change itself, and the new one's first reading.

While a meter is changed nobody should poll: a few litres of the new one would stand in the old
one's books. So a running agent lends the bus, takes the new configuration over while it stands
back, and polls the new meter as the new one.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.acts.act import ask, say
from edge_agent.acts.fault import NotDone
from edge_agent.acts.figures import plain
from edge_agent.acts.readings import config_of, device_of, in_force, indexes_of, read_values
from edge_agent.acts.replacement import (
    NEW,
    OLD,
    UNKNOWN,
    Found,
    by_role,
    ended,
    is_near,
    who_answers,
)
from edge_agent.config.file import load_config
from edge_agent.control.client import NoAgent, SocketError, ask_agent
from edge_agent.control.command import CannotAsk
from edge_agent.control.protocol import Call
from edge_agent.terminal import wrapped
from protocols.metering.run_config import Role

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.acts.act import Asking, Who
    from edge_agent.acts.readings import InForce
    from edge_agent.acts.replacement import Meters
    from edge_agent.config.model import AgentConfig
    from protocols.metering.run_config import RunConfig

LOAN_S: Final = 1800
TRIES: Final = 20
AGAIN_S: Final = 0.5
READ_TRIES: Final = 60
"""An agent that takes a configuration over begins anew, and joins its devices."""
YES: Final = ("y", "yes", "是")


class Changed(NamedTuple):
    """What was found, and the bus that is lent, "" where none is."""

    found: Found
    lent: str = ""


def read_meter(config: AgentConfig, run: RunConfig) -> dict[str, Decimal]:
    """The meter's indexes now, by role in m3; nothing where it does not answer."""
    device = device_of(config, run.meter_serial)
    try:
        values = read_values(config, device.name, tuple(total.point for total in run.totals))
    except NotDone:
        return {}
    return by_role(run, indexes_of(run, values))


def look(config: AgentConfig, meters: Meters, forced: InForce, told: str) -> Found:
    """Which of both meters answers now. Raises NotDone where that cannot be told."""
    run = forced.config
    read = read_meter(config, run)
    answers = who_answers(run, meters, read)
    if answers == UNKNOWN:
        if not told:
            raise NotDone(
                "which",
                read=plain(read[Role.LINE]),
                old=plain(meters.old[Role.LINE]),
                new=plain(meters.new[Role.LINE]),
            )
        answers = told
    seen = by_role(run, forced.seen)
    return Found(answers, seen, read if answers == OLD else {}, read if answers == NEW else {})


def change_now(
    config: AgentConfig, run: RunConfig, meters: Meters, found: Found, by: Who, asking: Asking
) -> Changed:
    """The old meter's end is read; wait for the new one. Raises NotDone where nobody can say."""
    words = asking.words
    index = plain(found.old_read[Role.LINE])
    if asking.yes or not sys.stdin.isatty():
        raise NotDone("old_answers", index=index)
    say("\n".join(wrapped(words("replace.change_now", index=index))), asking)
    lent = _borrow(config, run, by, asking)
    if lent:
        if ask(words("replace.enter"), asking).lower() == "q":
            give_back(config, lent)
            raise NotDone("not_in")
        seen = by_role(run, in_force(config, run.run).seen)  # nobody polls any more
        return Changed(ended(run, found, seen), lent)
    if lent is not None:  # an agent goes on polling: what it sees last is of either meter
        found = found._replace(seen={})
    for _ in range(TRIES):
        if ask(words("replace.enter"), asking).lower() == "q":
            break
        read = read_meter(config, run)
        if not read and ask(words("replace.dead"), asking).lower() in YES:
            return Changed(found)
        if read and who_answers(run, meters, read) in (NEW, UNKNOWN):
            return Changed(found._replace(new_read=read))
        if read:
            say("\n".join(wrapped(words("replace.still", index=plain(read[Role.LINE])))), asking)
    raise NotDone("not_in")


def taken_over(config: AgentConfig, run: str, serial: str) -> bool:
    """Wait until the running agent has the new meter's configuration; False where it takes too
    long. Until then it would poll the new meter as the old one.
    """
    assert config.control is not None  # every file has the section or its defaults
    pause = threading.Event()
    for _ in range(READ_TRIES):
        with contextlib.suppress(NoAgent, SocketError):
            answer = ask_agent(config.control.read_socket, Call("run", {"run": run}))
            if answer.get("ok") and config_of(answer).meter_serial == serial:
                return True
        pause.wait(AGAIN_S)
    return False


def look_again(path: Path, run: str, meters: Meters, found: Found) -> Found:
    """With the new meter's indexes, as soon as the agent has taken the configuration over.

    What answers and is not near its start index is not the new one: then nothing is read.
    """
    config = load_config(path)
    after = next(one for one in config.runs if one.run == run)
    pause = threading.Event()
    for _ in range(READ_TRIES):
        with contextlib.suppress(CannotAsk, SocketError):
            read = read_meter(config, after)
            if read:
                good = is_near(after, meters.new[Role.LINE], read.get(Role.LINE, Decimal(-1)))
                return found._replace(new_read=read if good else {})
        pause.wait(AGAIN_S)
    return found


def _borrow(config: AgentConfig, run: RunConfig, by: Who, asking: Asking) -> str | None:
    """The bus that an agent lends; "" where nobody wants it, None where no agent runs."""
    words, device = asking.words, device_of(config, run.meter_serial)
    others = [one.name for one in config.devices_of(device.bus) if one.name != device.name]
    assert config.control is not None  # every file has the section or its defaults
    try:
        ask_agent(config.control.read_socket, Call("run", {"run": run.run}))
    except (NoAgent, SocketError):
        return None
    text = words("replace.lend", bus=device.bus, others=", ".join(others) or "-")
    say("\n".join(wrapped(text)), asking)
    if ask(words("replace.lend_yes"), asking).lower() not in ("", *YES):
        return ""
    fields = {"bus": device.bus, "seconds": LOAN_S, "who": by.who, "reason": by.reason}
    answer = ask_agent(config.control.act_socket, Call("take", fields))
    if not answer.get("ok"):
        raise NotDone("other", text=answer.get("error"))
    return device.bus


def give_back(config: AgentConfig, bus: str) -> None:
    """Nothing to do where the agent is gone, or has begun anew."""
    assert config.control is not None
    with contextlib.suppress(NoAgent, SocketError):
        ask_agent(config.control.act_socket, Call("release", {"bus": bus}))
