"""How large the journal is, what room there is, what had to go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.journal.ballast import BALLAST_BYTES
from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.newest import NewestReader
from edge_agent.language import load_words
from edge_agent.recording.inbox import Dropped
from edge_agent.recording.losses import record_dropped, record_unclean_end
from edge_agent.status.flash import Flash
from edge_agent.status.storage import (
    Damaged,
    Lost,
    Storage,
    is_good,
    lines,
    read_storage,
    to_json,
)
from edge_agent.status.words_of_time import local_of
from protocols.evidence.facts import Moment
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, KEYS, Polls, config_of, new_journal
from tests.edge_agent.status.snapshots import UTC_MS, alarm, journal, site

GOOD = Storage(
    "/j", 48_000_000, 1_000_000, 0, 10**9, 9 * 10**9, 16 * 10**9, None, BALLAST_BYTES, 8_000_000,
    20_000_000, (), (), Flash("mmcblk0p2", 10**9, None, 2), (),
)  # fmt: skip


def test_out_of_a_state_directory(tmp_path: Path) -> None:
    """Sizes by the files, losses by the log, and journals that were put aside."""
    config = config_of(tmp_path)
    written = new_journal(config)
    memory = written.load(GATEWAY, BOOT_ID, 0)
    now = Polls(config).clock.now()
    draft = Draft(memory, Salts(KEYS.gateway, KEYS.salt_secret))
    record_unclean_end(draft, (0, 5), now)
    record_dropped(draft, Dropped(12, Moment(0, 1), Moment(0, 9)), now)
    written.commit(draft.tick())
    aside = config.state_dir / "damaged" / "0001-boot3"
    aside.mkdir(parents=True)
    (aside / "journal.db").write_bytes(b"x" * 5000)
    agent = replace(site(), journal=journal(days_left=3.0), alarms=(alarm("disk_filling", ""),))
    reader = NewestReader(written.path, GATEWAY)
    found = read_storage(reader, written.path, agent, tmp_path)
    reader.close()
    written.close()
    assert found.journal == written.path.stat().st_size
    assert found.ballast == BALLAST_BYTES
    assert (found.limit, found.days_left) == (7_000_000_000, 3.0)
    assert 0 < found.disk_free < found.disk_total
    assert found.lost == (Lost("dropped", "", 12, now.utc_ms),)
    assert found.damaged == (Damaged("0001-boot3", 5000, read=False),)
    assert found.alarms == ("disk_filling",)
    assert not is_good(found)


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"damaged": (Damaged("0001", 5, read=True),)}, True),
        ({"damaged": (Damaged("0001", 5, read=False),)}, False),
        ({"days_left": 13.9}, False),
        ({"days_left": 14.0}, True),
        ({"ballast": 0}, False),
        ({"alarms": ("disk_full",)}, False),
        ({"lost": (Lost("evicted", "telemetry", 5, None),)}, False),
    ],
)
def test_what_is_a_finding(changed: dict[str, object], good: bool) -> None:
    """A journal that was put aside long ago and read out is none."""
    assert is_good(GOOD._replace(**changed)) == good  # type: ignore[arg-type]


def test_json_has_its_keys() -> None:
    """Schema 1."""
    body = to_json(GOOD._replace(lost=(Lost("evicted", "telemetry", 5, UTC_MS),)))
    assert body.keys() == {
        "schema", "journal", "disk", "ballast_bytes", "reserve_bytes", "lost", "damaged", "alarms",
    }  # fmt: skip
    assert body["journal"].keys() == {
        "path", "bytes", "wal_bytes", "free_page_bytes", "limit_bytes", "sealed_bytes",
    }  # fmt: skip
    assert body["disk"].keys() == {
        "free_bytes", "total_bytes", "days_left", "name", "written_bytes", "lifetime_bytes",
        "worn_tenths",
    }  # fmt: skip
    assert body["lost"] == [
        {"reason": "evicted", "log": "telemetry", "leaves": 5, "utc_ms": UTC_MS}
    ]


@pytest.mark.parametrize("chinese", [False, True])
def test_in_words(chinese: bool) -> None:
    """Each reason once, with how many in all."""
    words = load_words("edge_agent.status", chinese=chinese)
    storage = GOOD._replace(
        lost=(
            Lost("evicted", "telemetry", 5, UTC_MS),
            Lost("evicted", "telemetry", 7, UTC_MS - 10**6),
            Lost("damaged", "billing", None, None),
        ),
        damaged=(Damaged("0001-boot3", 5000, read=False),),
        alarms=("disk_full",),
        days_left=3.25,
    )
    text = "\n".join(line for _, line in lines(storage, words, UTC_MS, local_of("UTC")))
    for part in (words("storage.lost.evicted", count=12, at="20:26"), "3.2", "0001-boot3", "20 %"):
        assert part in text
    nothing = lines(GOOD._replace(flash=Flash("", None, None, None)), words, 0, local_of("UTC"))
    assert nothing[-1][1] == words("storage.not_told")
