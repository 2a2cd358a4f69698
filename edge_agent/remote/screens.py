"""What `edge-agent config` shows, in 80 columns. Pure: objects in, lines out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from edge_agent.terminal import WIDTH, columns, printable, utc, wrapped

if TYPE_CHECKING:
    from edge_agent.language import Words

MARK: Final = "!"  # ASCII, so that a serial console shows it
_ONE_LINE: Final = 76


def change_lines(changes: Sequence[Mapping[str, Any]], words: Words) -> list[str]:
    """Field by field; what is legally relevant has a mark, and a line says what that means."""
    if not changes:
        return [words("nothing")]
    lines = []
    for each in changes:
        mark = MARK if each["relevant"] else " "
        old, new = each["old"] or words("none"), each["new"] or words("none")
        if each["field"] == "effective":
            lines += wrapped(f"{mark} {words('effective')}", 0, 4)
            continue
        line = printable(f"{mark} {each['field']}: {old} -> {new}")
        if columns(line) <= WIDTH:
            lines.append(line)
        else:
            lines.append(printable(f"{mark} {each['field']}:"))
            lines += [*wrapped(f"- {old}", 4, 6), *wrapped(f"+ {new}", 4, 6)]
    relevant = sum(bool(each["relevant"]) for each in changes)
    return [*lines, "", *wrapped(words("count", count=len(changes), relevant=relevant, mark=MARK))]


def version_lines(told: Mapping[str, Any], words: Words) -> list[str]:
    """One line a version, the newest first, who and why under it; then what waits."""
    lines = []
    for each in reversed(told["versions"]):
        number = each["number"]
        mark = "*" if number == told["current"] else " "
        when = utc(each["utc_ms"])[:16] + " UTC" if each["utc_ms"] else words("no_clock")
        state = words.get(f"outcome.{each['outcome']}", each["outcome"])
        source = words.get(f"source.{each['source']}", each["source"])
        lines.append(printable(f"{mark}{number:4d}  {when}  {source}  {state}".rstrip()))
        said = ": ".join(filter(None, (each["who"], each["why"] if each["who"] else "")))
        lines += wrapped(said, 7, 9) if said else []
        if each.get("fate"):
            lines += wrapped(words("fate", why=each["fate"]), 7, 9)
    lines += ["", *wrapped(words("legend"))]
    if told["trial"]:
        lines += wrapped(
            words("on_trial", number=told["trial"]["number"], back=told["trial"]["back"])
        )
    for each in told["waiting"]:
        if each["consent"] and not each["who"]:
            lines += ["", *wrapped(words("waits", number=each["number"], what=each["consent"]))]
    return lines


def offer_lines(told: Mapping[str, Any], words: Words) -> list[str]:
    """Who offers what, why, and every field that would change."""
    named = {name: told[name] for name in ("number", "who", "why")}
    lines = [*wrapped(words("offered", **named)), *change_lines(told["changes"], words)]
    if told["left_out"]:
        lines += wrapped(words("left_out", count=told["left_out"]))
    return lines


def effective_lines(fields: Mapping[str, str]) -> list[str]:
    """`field = value`, wrapped under itself."""
    lines: list[str] = []
    for name, value in fields.items():
        lines += wrapped(f"{name} = {value}", 0, 4)
    return lines
