"""Losses and epochs in words of both languages."""

import json

import pytest

from central.web.fact_words import fact_words
from central.web.words import load_words

RANGE = {"log": "telemetry", "epoch": 2, "first": 1500, "end": 1600, "count": None}
NOTHING = {"log": None, "epoch": 0, "first": 0, "end": 0, "count": 12}
MOMENTS = {"since": [3, 1500], "until": [4, 20], "detail": "disk full"}


@pytest.mark.parametrize(
    ("code", "told", "english", "chinese"),
    [
        ("loss_evicted", RANGE, "Telemetry log, leaves 1,500 to 1,599, of epoch 2",
         "遥测日志第 1,500 至 1,599 条，属第 2 代日志"),
        ("loss_dropped", NOTHING | MOMENTS,
         "12 polls, between 1.5 s after boot 3 and 0.0 s after boot 4",
         "12 次抄读，介于第 3 次启动后 1.5 秒与第 4 次启动后 0.0 秒之间"),
        ("epoch_replaced", {"old_gateway": "gw-9", "old_epoch": None, "old_size": 7},
         "goes on from gateway gw-9, of which 7 billing leaves have receipts",
         "接网关 gw-9，其计费日志有回执 7 条"),
        ("epoch_salvaged", {"old_gateway": "", "old_epoch": 0, "old_size": 0},
         "goes on from epoch 0, of which 0 billing leaves have receipts",
         "接第 0 代日志，其计费日志有回执 0 条"),
        ("epoch_journal_lost", {"old_gateway": "", "old_epoch": None, "old_size": 0},
         "what it follows is not known", "此前的日志不明"),
    ],
)  # fmt: skip
def test_in_words(code, told, english, chinese):
    """What is missing, how much of it, between which moments; what an epoch goes on from."""
    words = load_words()
    for language, expected in (("en", english), ("zh", chinese)):
        shown = fact_words(code, json.dumps(told), words[language])
        assert shown == (expected, told.get("detail", ""))


@pytest.mark.parametrize(
    ("code", "detail"),
    [("gap", "{}"), ("epoch_opened", "begun anew"), ("loss_evicted", "{nonsense")],
)
def test_any_other_event_is_left_alone(code, detail):
    """Its detail is shown as it stands."""
    assert fact_words(code, detail, load_words()["en"]) is None
