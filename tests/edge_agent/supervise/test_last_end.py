"""What two small files and the journal say of the last end."""

from pathlib import Path

import pytest

from edge_agent.supervise.last_end import (
    HOW,
    MAX_BYTES,
    WHY,
    Files,
    forget_files,
    last_end,
    read_files,
    write_why,
)

STUCK = "bus-a has made no turn for 33 s"


@pytest.mark.parametrize(
    ("files", "unclean", "same_boot", "cause", "detail"),
    [
        (Files(), False, True, None, ""),
        (Files("success exited 0"), False, True, None, ""),
        (Files("success exited 0"), True, True, "unknown", "killed, most likely"),
        (Files(), True, True, "unknown", "killed, most likely"),
        (Files(), True, False, "machine", "power cut"),
        (Files("success exited 0"), True, False, "machine", "power cut"),
        (Files("watchdog exited 0", STUCK), False, True, "watchdog", f"{STUCK}; systemd: the"),
        (Files("watchdog killed KILL"), True, True, "watchdog", "(killed KILL)"),
        (Files("", STUCK), True, True, "watchdog", STUCK),
        (Files("signal killed KILL"), True, True, "signal", "killed (killed KILL)"),
        (Files("oom-kill killed KILL"), True, True, "oom-kill", "memory"),
        (Files("exit-code exited 1", "a bug: thread uplink died"), False, True, "exit 1",
         "a bug: thread uplink died; systemd: ended with status 1"),
        (Files("exit-code exited 2"), False, True, "exit 2", "status 2"),
        (Files("timeout killed KILL"), True, True, "timeout", "in time"),
        (Files("frobnicated"), True, True, "frobnicated", "no meaning known here"),
    ],
)  # fmt: skip
def test_the_cause(
    files: Files, unclean: bool, same_boot: bool, cause: str | None, detail: str
) -> None:
    """None after an end in order; else the cause, and in words what is known."""
    found = last_end(files, unclean=unclean, same_boot=same_boot)
    assert (found and found.cause) == cause
    assert found is None or detail in found.detail


def test_the_files(tmp_path: Path) -> None:
    """Bounded, on one line, gone when forgotten; what is not there is empty."""
    assert read_files(tmp_path) == Files()
    (tmp_path / HOW).write_text("watchdog killed\nABRT\n")
    write_why(tmp_path, "long" * 1000)
    write_why(tmp_path, STUCK + "\x00" * 1000)
    found = read_files(tmp_path)
    assert found.how == "watchdog killed ABRT"
    assert found.why.startswith(STUCK)
    assert len(found.why) <= MAX_BYTES
    forget_files(tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_read_or_written_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A start must not fail for a reason that is lost."""
    (tmp_path / HOW).mkdir()
    (tmp_path / WHY).mkdir()
    write_why(tmp_path, STUCK)
    assert read_files(tmp_path) == Files()
    assert "why the last process ended is not known" in caplog.text
    forget_files(tmp_path)
    assert "is told again at the next start" in caplog.text
