"""The lines of `status`, kind by kind."""

from __future__ import annotations

from dataclasses import replace

from edge_agent.language import load_words
from edge_agent.status.lines import code, lines_of
from edge_agent.status.model import Regulator, Snapshot, ThreadPart
from edge_agent.status.words_of_time import local_of
from tests.edge_agent.status.snapshots import alarm, device, run, site, uplink

EN = load_words("edge_agent.status", chinese=False)


def texts(snapshot: Snapshot) -> list[tuple[str, str]]:
    return [(line.light, line.text) for line in lines_of(snapshot, EN, local_of("UTC"))]


def test_the_worst_come_first_and_runs_keep_their_order() -> None:
    """Within a light the order of the kinds holds."""
    found = lines_of(replace(site(3), clock_state="unknown"), EN, local_of("UTC"))
    assert [line.light for line in found][:2] == ["warning", "good"]
    assert [line.run.id for line in found if line.run is not None] == ["R1", "R2", "R3"]


def test_a_thread_that_ended_is_bad() -> None:
    """The agent is about to start again."""
    told = texts(replace(site(), threads=(ThreadPart("uplink", False, None),)))
    assert told[0] == ("bad", "thread uplink has ended; the agent is about to start again")


def test_what_a_bad_run_says_its_alarm_does_not_repeat() -> None:
    """The condition that stops the metering; others are told."""
    snapshot = replace(
        site(1),
        runs=(run(1, quality="bad", quality_cause="index_missing", line_text=""),),
        alarms=(alarm("index_missing"), alarm("reverse_flow")),
    )
    told = [text for _, text in texts(snapshot)]
    assert told[0] == "R1 does not meter: meter-1, gives no index"
    assert len([text for text in told if "no index" in text]) == 1
    assert any("reverse flow" in text for text in told)


def test_a_regulator_without_an_alarm_of_its_own_is_told() -> None:
    """One that was never read, and has no alarm yet."""
    unread = replace(site(), regulators=(Regulator("PR1", None, 401.0, "uncertain"),))
    assert ("warning", "regulator PR1: no reading yet") in texts(unread)
    alarmed = replace(unread, alarms=(alarm("outlet_missing", "PR1"),))
    assert not [text for _, text in texts(alarmed) if text.startswith("regulator")]


def test_devices_that_refuse_points_answer_even_so() -> None:
    """They are counted with the others."""
    told = texts(replace(site(2), devices=(device(1, refused=("t",)), device(2))))
    assert ("good", "devices: all 2 answer") in told


def test_a_bus_where_nobody_answers_is_one_line() -> None:
    """Its cable is at fault before all its devices are; one that answers tells otherwise."""
    silent = [device(n, quality="BAD_NO_ANSWER", good_age_ms=60_000) for n in range(1, 4)]
    told = texts(replace(site(3), devices=tuple(silent)))
    dumb = "bus line-1: none of its 3 devices answers for 60 s: meter-1, meter-2, meter-3"
    assert ("bad", dumb) in told
    assert not [text for _, text in told if text.startswith("meter-")]
    told = texts(replace(site(3), devices=(*silent, device(4))))
    assert len([text for _, text in told if text.startswith("meter-")]) == 3


def test_a_central_that_keeps_silent_is_told() -> None:
    """Before the deadline says that it failed."""
    part = uplink(last_try_age_ms=20_000)
    told = texts(replace(site(), uplink=part))
    assert (
        "warning",
        "central: asked 20 s ago, no answer yet; receipt 42 s ago; 0 billing + 240 scans wait",
    ) in told
    never = uplink(last_try_age_ms=20_000, last_receipt_age_ms=None)
    assert "asked" in "".join(text for _, text in texts(replace(site(), uplink=never)))


def test_a_code_without_words_is_shown_as_it_is() -> None:
    """An agent of a later version may have others."""
    assert code("BAD_NO_ANSWER", EN) == "no answer"
    assert code("some_new_thing", EN) == "some new thing"
