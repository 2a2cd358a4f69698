"""The program that a bus is lent to: whether it has ended, however it ended."""

import os
import signal
import subprocess
import sys

import pytest

from edge_agent.bus.holder import Holder

WAITS = [sys.executable, "-c", "input()"]


@pytest.mark.parametrize(
    "how", [signal.SIGKILL, signal.SIGHUP, None], ids=["kill", "hangup", "end"]
)
def test_a_program_that_ends(how):
    """Seen at once, also before anybody has waited for it."""
    with subprocess.Popen(WAITS, stdin=subprocess.PIPE) as child:
        holder = Holder(child.pid)
        assert not holder.is_gone()
        if how is None:
            child.stdin.close()
        else:
            child.send_signal(how)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert holder.is_gone()
        holder.close()
        assert not holder.is_gone()  # nobody is watched any more
        holder.close()


def test_who_cannot_be_watched():
    """A person (0), a number that no process has: then the deadline alone ends the loan."""
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    for pid in (0, child.pid):
        holder = Holder(pid)
        assert not holder.is_gone()
        holder.close()
