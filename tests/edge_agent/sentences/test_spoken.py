"""English texts are found out and said to a person; the tables fit the program's words."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edge_agent.sentences.spoken as module
from edge_agent.language import REWORDED, Words
from edge_agent.sentences.spoken import MAX_CHARS, Sentence, recognise, spoken

ROOT = Path(__file__).parents[3]
TABLES = {
    name: tomllib.loads(Path(module.__file__).with_name(f"{name}.toml").read_text("utf-8"))
    for name in ("en", "zh", "recorded")
}
FOLDERS = (
    "edge_agent/config", "edge_agent/config_store", "edge_agent/uplink", "edge_agent/bus",
    "edge_agent/recording", "edge_agent/recorder", "edge_agent/salvage", "edge_agent/verify",
    "edge_agent/remote", "edge_agent/control", "edge_agent/support", "edge_agent/bus_tools",
    "edge_agent/parcel",
    "edge_agent/commands", "protocols/metering", "protocols/modbus", "protocols/audit",
    "protocols/evidence",
)  # fmt: skip
FILES = (
    "edge_agent/permission.py", "edge_agent/regular_file.py", "edge_agent/doctor/command.py",
    "edge_agent/report/read.py", "edge_agent/report/report.py", "edge_agent/bus_tools/arguments.py",
    "edge_agent/console.py", "edge_agent/live/command.py", "edge_agent/enrol/parser.py",
)  # fmt: skip
NOT_IN_ONE_PIECE = {  # what the C library says, and texts that are put together of two
    "run.begins_again", "audit.no_file", "is.text", "is.number", "is.list", "is.table", "is.flag",
    "file.none", "file.denied", "file.folder", "file.no_folder", "file.full", "file.io",
    "file.read_only", "link.unknown_name", "link.try_again", "link.refused", "link.unreachable",
    "link.no_route", "link.reset", "link.timed_out",
}  # fmt: skip
PUT_TOGETHER = re.compile(r"(is )?x([: ]+x)*")  # of texts that are looked at where they are made
FAULT_CALLS = {"fault", "add", "Fault", "warn"}


def pieces(template: str) -> list[str]:
    return [piece for piece, *_ in Formatter().parse(template) if piece.strip()]


def fields(template: str) -> set[str]:
    return {name for _, name, *_ in Formatter().parse(template) if name}


def texts(node: ast.AST) -> Iterator[str]:
    """Every text of the source below a node; what is filled in is `x`."""
    for one in ast.walk(node):
        if isinstance(one, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else "x" for p in one.values)
            yield "".join(map(str, parts))
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value


def test_both_languages_have_the_same_sentences() -> None:
    """And fill in the same things; of those recorded in other words, seconds for ms."""
    assert TABLES["en"].keys() == TABLES["zh"].keys()
    assert TABLES["recorded"].keys() <= TABLES["en"].keys()
    assert all(any(mark in text for mark in REWORDED) for text in TABLES["recorded"].values())
    for code, english in TABLES["en"].items():
        recorded = TABLES["recorded"].get(code, english)
        known = fields(recorded) | {re.sub(r"_ms$", "_s", name) for name in fields(recorded)}
        assert fields(english) <= known, code
        assert fields(TABLES["zh"][code]) <= known, code
        assert re.search("[\u4e00-\u9fff]", TABLES["zh"][code]), code


def test_each_sentence_is_found_out() -> None:
    """As it is made, and as no other one; some text of the program has each piece of it."""
    paths = [ROOT / name for name in FILES]
    paths += [path for folder in FOLDERS for path in (ROOT / folder).glob("*.py")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    source = re.sub(r"""(["'])\s+f?\1""", "", source)  # a text that is written on two lines
    gone = []
    for code, english in TABLES["en"].items():
        template = TABLES["recorded"].get(code, english)
        filled = {name: "5" if name.endswith("_ms") else f"<{name}>" for name in fields(template)}
        assert recognise(template.format(**filled)) == Sentence(code, filled)
        elsewhere = code in NOT_IN_ONE_PIECE or code.startswith("system.")
        for piece in () if elsewhere else pieces(template):
            if piece not in source:
                gone.append(f"{code}: nothing says {piece!r} any more")
    assert "\n".join(gone) == ""


def test_every_fault_of_a_configuration_is_said_in_chinese() -> None:
    """Each text that the configuration's reader makes, so that a new one cannot be forgotten."""
    unknown = []
    for path in sorted((ROOT / "edge_agent" / "config").glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(call, "func", None), "attr", None) or getattr(
                getattr(call, "func", None), "id", None
            )
            if not (isinstance(call, ast.Call) and name in FAULT_CALLS and len(call.args) > 1):
                continue
            for argument in call.args[1:]:
                if isinstance(argument, ast.JoinedStr | ast.Constant):
                    text = next(texts(argument))
                    if " " not in text.strip() or PUT_TOGETHER.fullmatch(text):
                        continue
                    if spoken(text, chinese=True) == text:
                        unknown.append(f"{path.name}:{call.lineno}: {text}")
    assert "\n".join(unknown) == ""


SAID = {
    "/etc/gateway.toml: device[p-1].unit: 0 is out of range; must be 1 to 247":
        "/etc/gateway.toml: device[p-1].unit: 0 超出范围；应为 1 至 247",
    "gas[a].x_h2: is missing; add x_h2: a number, 0 to 1":
        "gas[a].x_h2: 缺少此项；补上 x_h2：数字，0 至 1",
    "error_curve: it holds from Qmin on; give qmin_l_h; correct it":
        "error_curve：自 Qmin 起有效；写出 qmin；改正它",
    "connection to https://c:1 failed: [Errno 111] Connection refused; check the link and central":
        "与 https://c:1 的连接失败：系统：连接被拒绝；检查链路和中心",
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (x.c:1)":
        "加密连接：证书校验失败：证书已过期",
    "no good reading not older than 20000 ms from 330041":
        "330041 在最近 20 秒内没有有效读数",
    "a\nempty answer": "a\n空应答",
}  # fmt: skip


@pytest.mark.parametrize("text", SAID, ids=range(len(SAID)))
def test_a_text_is_said_in_chinese(text: str) -> None:
    """Behind its field or path, one after the other, one within the other."""
    assert spoken(text, chinese=True) == SAID[text]


def test_english_is_said_as_a_person_reads_it() -> None:
    """What is recorded in milliseconds is read in seconds; all else stays as it is."""
    told = "no good reading not older than 20000 ms from 330041"
    assert spoken(told, chinese=False) == "no good reading of 330041 for 20 s"
    assert spoken("0 is out of range", chinese=False) == "0 is out of range"


def test_what_nobody_knows_stays_as_it_is() -> None:
    """A person's own words, an overlong text, deep nesting."""
    late = "no good reading not older than many ms from 330041"
    long = "empty answer; " * MAX_CHARS
    for text in ("换表：the old one leaked", late, long, "", "; ".join("a" * 99)):
        assert spoken(text, chinese=True) == text
    assert recognise("换表") is None


PIECES = [piece for text in TABLES["en"].values() for piece in pieces(text)]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=12), st.booleans())
@settings(max_examples=200, deadline=None)
def test_no_text_is_too_much_for_it(parts: list[str], chinese: bool) -> None:
    """Whatever central, an instrument or a person has written: it is said, or shown as it is."""
    assert isinstance(spoken("".join(parts), chinese=chinese), str)


def test_words_say_what_fills_them_in() -> None:
    """A table's own sentence is filled in with one in the same language."""
    table = {"bus.gone": "{name}: {detail}"}
    told = {"name": "line-1", "detail": "connection closed by the other end"}
    assert Words(table, chinese=True)("bus.gone", **told) == "line-1: 对方关闭了连接"
    assert Words(table)("bus.gone", **told) == "line-1: connection closed by the other end"
    assert Words(table, chinese=True).said("empty answer") == "空应答"
