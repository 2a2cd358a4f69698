"""What a log says of itself (losses, epochs) in words: (change, detail) of an event's row.

The ledger keeps such an event's fields as JSON in its detail.
"""

import json
from typing import Any

from central.web.numbers import count, duration_s
from central.web.words import Words


def fact_words(code: str, detail: str, words: Words) -> tuple[str, str] | None:
    """None for any other event, or where the detail is not what the ledger writes."""
    table, _, _ = code.partition("_")
    if table not in ("loss", "epoch") or not detail.startswith("{"):
        return None
    try:
        told = json.loads(detail)
    except ValueError:
        return None
    return (_loss if table == "loss" else epoch_words)(told, words), f"{told.get('detail', '')}"


def _loss(told: dict[str, Any], words: Words) -> str:
    parts = []
    if told.get("log") is not None:
        last = told["end"] - 1
        log = words(f"gateways.{told['log']}")
        parts.append(words("fact.range", log=log, first=count(told["first"]), last=count(last)))
        if told["epoch"]:
            parts.append(words("fact.of_epoch", epoch=told["epoch"]))
    if told.get("count") is not None:
        parts.append(words("fact.polls", n=count(told["count"])))
    moments = [_moment(told.get(side), words) for side in ("since", "until")]
    if all(moments):
        parts.append(words("fact.between", since=moments[0], until=moments[1]))
    return words("fact.comma").join(parts)


def epoch_words(told: dict[str, Any], words: Words) -> str:
    """What an epoch goes on from: `old_gateway`, `old_epoch`, `old_size`."""
    if told.get("old_gateway"):
        return words("fact.replaces", gateway=told["old_gateway"], size=count(told["old_size"]))
    if told.get("old_epoch") is None:
        return words("fact.unknown_epoch")
    return words("fact.follows", epoch=told["old_epoch"], size=count(told["old_size"]))


def _moment(moment: list[int] | None, words: Words) -> str:
    if moment is None:
        return ""
    return words("fact.moment", boot=moment[0], s=duration_s(moment[1]))
