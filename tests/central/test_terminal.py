"""Rows for programs and for people."""

import io
import signal
import subprocess
import sys

from central.cli import main
from central.terminal import folded, row_of, show
from tests.terminal.terminal import printed

KEY = "gw-1+1470dd9f+AcOXdofLUcGOAiPqdZvkIHR0Sn1grd0Q5bdiBrsukLQ0"
ROW = f"gw-1\t{KEY}\tmay upload\tlast upload 2026-11-26T15:25:18.357000Z\tfingerprint a60e-0bdd"


def test_a_row_is_folded_between_its_fields():
    """Within 80 columns, each field whole where it fits."""
    assert folded(ROW).split("\n") == [
        f"gw-1  {KEY}  may upload",
        "    last upload 2026-11-26T15:25:18.357000Z  fingerprint a60e-0bdd",
    ]
    assert folded("a\t\tb") == "a  b"


def test_a_long_field_is_folded_between_its_words_and_a_key_never():
    """A Han takes two columns; what has no blank stays whole, so that it can be copied."""
    sealed = "换表 " * 20 + "x" * 100
    lines = folded(f"gw-1\t{sealed}").split("\n")
    assert [len(line) for line in lines] == [4, 4 + 15 * 3 - 1, 4 + 5 * 3 - 1, 104]
    assert lines[-1].strip() == "x" * 100


def test_a_person_sees_lines_of_a_terminal_and_a_program_rows(tmp_path):
    """The same command, on a terminal and into a pipe; Ctrl-C and a deaf reader end it quietly."""
    code = f"from central.terminal import show; show({ROW!r})"
    assert printed([sys.executable, "-c", code]).lines == tuple(folded(ROW).split("\n"))
    wrong = printed([sys.executable, "-c", "from central.cli import main; main(['none'])"])
    assert wrong.status == 2
    assert max(map(len, wrong.lines)) <= 80
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.decode() == f"{ROW}\n"


def test_a_locale_without_han_is_no_failure(tmp_path, monkeypatch):
    """A reason in Chinese, on a machine of another locale."""
    written = io.BytesIO()
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(written, encoding="latin-1"))
    assert main(["gateway", "list", "--store", str(tmp_path / "锅炉房")]) == 2
    sys.stderr.flush()
    assert b"???" in written.getvalue()


def test_ctrl_c_ends_a_command_quietly(tmp_path, monkeypatch, capsys):
    """With the status that a shell gives it."""
    monkeypatch.setattr("central.cli.open_store", lambda _: signal.raise_signal(signal.SIGINT))
    assert main(["gateway", "list", "--store", str(tmp_path)]) == 130
    assert capsys.readouterr().err == ""


def test_what_a_gateway_says_steers_no_terminal(capsys):
    """No escape sequence, nothing that turns text round, no row of its own."""
    said = "off\x1b]0;x\x07\x9b2J \u202egw-1\n2026\tgw-2\tactive\u3000换表"
    show(row_of("gw-1", said))
    assert capsys.readouterr().out == "gw-1\toff?]0;x??2J ?gw-1 2026 gw-2 active 换表\n"
    show(f"a\tb\n{said}")
    out = capsys.readouterr().out
    assert all(c.isprintable() or c in "\n\t" for c in out)
