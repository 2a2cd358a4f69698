"""The daily checkpoint is made beside the server."""

import threading
from pathlib import Path

from central.proofs.daily import DailyThread
from central.proofs.days import DAY_MS
from central.proofs.fleet import days
from central.proofs.publisher import FILE_NAME
from central.store.database import create_store
from tests.central.proofs.site import MADE_S, receipt_key_file, site_in

MIDNIGHT_MS = MADE_S * 1000 - MADE_S * 1000 % DAY_MS


def test_once_a_day_when_it_is_due(tmp_path: Path) -> None:
    """Not before 00:10 UTC, not twice; the next day again."""
    site = site_in(tmp_path / "store")
    thread = DailyThread(site.store, lambda: 0)
    made = [thread.make(MIDNIGHT_MS + minutes * 60_000) for minutes in (5, 10, 20, 1451)]
    assert made == [False, True, True, True]
    assert days(site.store.directory) == ["2026-03-12", "2026-03-11"]
    site.store.close()


def test_a_store_without_receipts_or_keys_stops_nothing(tmp_path: Path) -> None:
    """It is tried again at the next turn."""
    store = create_store(tmp_path)
    assert not DailyThread(store, lambda: 0).make(MIDNIGHT_MS + DAY_MS // 2)  # no receipt key
    receipt_key_file(tmp_path)
    assert not DailyThread(store, lambda: 0).make(MIDNIGHT_MS + DAY_MS // 2)  # no receipt
    (tmp_path / FILE_NAME).unlink()
    assert not DailyThread(store, lambda: 0).make(MIDNIGHT_MS + DAY_MS // 2)  # half a pair
    store.close()


def test_the_thread_ends_at_once(tmp_path: Path) -> None:
    """Its first turn makes the day's checkpoint; stopped, it does not wait for the next."""
    site = site_in(tmp_path / "store")
    asked = threading.Event()

    def clock() -> int:
        asked.set()
        return MIDNIGHT_MS + DAY_MS // 2

    thread = DailyThread(site.store, clock)
    thread.start()
    assert asked.wait(20)
    thread.stop()
    thread.join(20)
    assert not thread.is_alive()
    assert days(site.store.directory) == ["2026-03-11"]
    site.store.close()
