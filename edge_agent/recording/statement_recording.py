"""What people say into leaves, and what follows of it for a run: a meter that was taken out. Pure.

A meter that comes back was on a test bench meanwhile, or in another pipe: what it counted there is
not this run's. Its index does not tell; the act that took it out does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_agent.recording.device_recording import News, Said, record_news
from edge_agent.recording.recording import configure_run, take_out

if TYPE_CHECKING:
    from edge_agent.journal.draft import Draft
    from protocols.metering.instant import Instant

REMOVED: Final = "meter_removed"
RUN_REMOVED: Final = "run_removed"
"""Field of that statement: gateway.toml has the run no longer."""


def record_told(draft: Draft, news: News, instant: Instant) -> None:
    """As `record_news`; where a meter was taken out its segment ends, in the same transaction."""
    record_news(draft, news, instant)
    if isinstance(news, Said) and news.statement.code == REMOVED:
        _end_segment(draft, news)


def _end_segment(draft: Draft, said: Said) -> None:
    """Where the run stays, and its meter answers yet, it goes on: nobody knows until when."""
    memory, told = draft.runs.get(said.subject), said.statement
    if memory is None or told.get("old_serial") != memory.config.meter_serial:
        return
    if told.get(RUN_REMOVED):
        take_out(draft, memory, said.instant, told.who)
    elif told.get("old_answered") == 0 and memory.active:
        configure_run(draft, memory.config, said.instant, told.who, None, is_kept=False)
