"""An export in words: sums, the first law, flaws by name, what was not proven."""

from pathlib import Path
from typing import Any

import pytest

from edge_agent.language import load_words
from edge_agent.terminal import WIDTH, columns
from edge_agent.verify.export_audit import ExportReport, Flaw, audit_export
from edge_agent.verify.export_lines import MAX_SHOWN, export_lines
from protocols.audit.run_account import RunAccount, Segment
from protocols.evidence.facts import EpochBody, EpochReason, Loss, LossReason
from protocols.evidence.leaf import Log
from tests.central.proofs.site import export_in
from tests.protocols.audit.morning import BILLING

EN, ZH = (
    load_words("edge_agent.verify", chinese=False),
    load_words("edge_agent.verify", chinese=True),
)


@pytest.fixture
def report(tmp_path: Path) -> ExportReport:
    place = export_in(tmp_path, gone=range(500, 600))
    return audit_export(place, lambda _done, _uploads: None)


def flat(report: ExportReport, words: Any = EN, pinned: bool = False) -> str:
    """As one text, so that a sentence may be over two lines."""
    return " ".join(" ".join(export_lines(report, pinned, words)).split())


def test_a_range_without_flaws(report: ExportReport) -> None:
    """What is in it, sums of the run, totals with their law, what was proven."""
    text = flat(report)
    for part in (
        "PROVEN: export of gateway gw-1",
        "log telemetry, epoch 0: leaves 0 to 1923, 5 uploads",
        "48 intervals, 45 made again from their scans to the last digit",
        "vm: 123456750 to 123839824; moved 383074 = main 371717 + error 11357 + rest 0",
        "The first law holds",
        "not what the meter showed",
        "2 states of these logs stand in daily checkpoints, 2026-03-11 to 2026-03-11",
        "3 intervals were not made again: of their scans only hashes are held",
        "leaves 500 to 599 of gas-evidence/gw-1/telemetry/0",
        "no loss leaf in this range tells of it",
    ):
        assert part in text, part


@pytest.mark.parametrize("words", [EN, ZH])
def test_lines_fit_a_terminal(report: ExportReport, words: Any) -> None:
    """80 columns in either language."""
    assert all(columns(line) <= WIDTH for line in export_lines(report, False, words))


def test_losses_and_epochs_are_told(report: ExportReport) -> None:
    """A hole that loss leaves cover, in one piece or two, is told by them."""
    for first, end in ((490, 550), (550, 600)):
        loss = Loss(LossReason.EVICTED, Log.TELEMETRY, 0, first, end, end - first)
        report.account.losses.append((BILLING[9], loss))
    report.account.losses.append((BILLING[8], Loss(LossReason.DROPPED, None, 0, 0, 0, 7)))
    report.account.losses.append((BILLING[7], Loss(LossReason.UNCLEAN_END, None, 0, 0, 0, None)))
    report.account.epochs.append((BILLING[5], EpochBody(EpochReason.SALVAGED, 0)))
    report.account.repeated = 4
    text = flat(report)
    assert "told by a loss leaf" in text
    assert "4 losses are told by the gateway itself" in text
    assert "leaf 9: evicted for want of space, log telemetry, epoch 0, leaves 490 to 549" in text
    assert "leaf 8: never recorded, for want of space, polls: 7" in text
    assert "leaf 7: the program ended without saying so, polls: ?" in text
    assert "epoch 0 began at leaf 5: a damaged journal was salvaged" in text
    assert "4 leaves repeat ones of an earlier epoch" in text


def test_what_passed_between_two_segments_is_not_proven(report: ExportReport) -> None:
    """Another meter, or a journal that was lost: told with both indexes."""
    run = report.account.runs["R1"]
    end = run.segments["vm", 0].end
    run.segments["vm", 1000] = Segment(end + 77, end + 99, 22, 22, 22)
    assert list(run.seams()) == [("vm", end, end + 77)]
    told = (
        f"What passed at R1 between two segments: vm stood at {end} and began again at {end + 77}"
    )
    assert told in flat(report)


def test_flaws_come_first_and_no_law_is_claimed(report: ExportReport) -> None:
    """Each with file and seq; of very many the number."""
    report.flaws += [Flaw("logs/x.uploads", seq, "differs") for seq in range(MAX_SHOWN + 5)]
    text = flat(report)
    assert text.startswith("NOT PROVEN: export of gateway gw-1")
    assert "- logs/x.uploads, leaf 3: differs" in text
    assert "and 5 more" in text
    assert "The first law holds" not in text


def test_runs_come_by_name(report: ExportReport) -> None:
    """In whatever order the log has them."""
    runs = report.account.runs
    for name in ("R3", "R0", "R2"):
        runs[name] = RunAccount(name)
    heads = [line for line in export_lines(report, False, EN) if line.startswith("meter run")]
    assert heads == [f"meter run {name}" for name in ("R0", "R1", "R2", "R3")]
