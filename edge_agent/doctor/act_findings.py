"""What people stated on site, and what of it waits: dates that are over, maintenance. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edge_agent.acts.due_command import state_of
from edge_agent.acts.kept import VERIFICATION
from edge_agent.doctor.finding import Area, Finding, yellow
from edge_agent.doctor.host import Host


def act_findings(host: Host) -> Iterator[Finding]:
    """It meters all the same: yellow. A date that is near leaves time to send the meter away."""
    for due in host.acts.due if host.today is not None else ():
        assert host.today is not None
        state = state_of(due, host.today)
        if state != "good":
            kind = "verification" if due.what == VERIFICATION else "calibration"
            facts = {"until": due.until, "certificate": due.certificate or "-"}
            yield _yellow(f"{kind}_{state}", due.subject, due.what, facts)
    for work in host.acts.work:
        yield _yellow("maintenance_open", work.subject, work.what, {})


def _yellow(code: str, subject: str, what: str, facts: Mapping[str, str]) -> Finding:
    """A run has two transmitters, and each its own finding."""
    where = subject if what == VERIFICATION else f"{subject} {what}"
    return yellow(code, Area.DEVICE, where, subject=subject, what=what, **facts)
