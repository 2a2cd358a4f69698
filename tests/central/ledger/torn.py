"""A history with every kind of gap: scans, records, a new epoch, a replaced gateway."""

from dataclasses import replace as replaced

from central.registry import add_gateway
from protocols.evidence.facts import EpochBody, EpochReason, Loss, LossReason, Moment
from protocols.evidence.leaf import NO_REFERENCE, Kind, Log
from tests.central.conftest import T0_MS, Gateway, run_config
from tests.central.ledger.again import BILLING, TELEMETRY, cited, reopened


def settled(central, *gateways, cut=None):
    """Every log of each gateway sent, and the ledger behind it."""
    for gateway in gateways:
        central.now_ms = T0_MS + gateway.now_ms
        for log in (BILLING, TELEMETRY):
            central.send(gateway, log, cut=cut)
    central.catch_up()


def polled(gateway, polls, **how):
    for _ in range(polls):
        gateway.poll(**how)
    return gateway


def tell(central):
    """Fill a central with all of it; the gateways, the old one and its successor."""
    old = Gateway("gw-1").configure(run_config("R1", interval_ms=60_000))
    central.register(old)
    old.boot_no, old.clock = 3, (None, 0)
    polled(old, 20, step_ms=10_000)  # before the clock was set
    old.clock = (0, 2)
    polled(old, 20, step_ms=10_000)
    first = len(old.leaves[TELEMETRY])
    polled(old, 12, step_ms=10_000)
    old.evicted[TELEMETRY] = set(range(first, first + 24))
    lose(old, LossReason.EVICTED, Log.TELEMETRY, first, first + 24)
    lose(old, LossReason.DROPPED, None, 0, 0, 7)
    begin = len(old.leaves[BILLING])
    polled(old, 20, step_ms=10_000)
    old.evicted[BILLING] = set(range(begin, begin + 2))
    polled(old, 10, step_ms=10_000).stop()
    settled(central, old)
    again = reopened(
        old,
        unsent=(len(old.leaves[BILLING]), len(old.leaves[TELEMETRY])),
        citations=[cited(central, old, log) for log in (BILLING, TELEMETRY)],
    )
    again.reboot(30_000)
    again.clock = (None, 0)
    lose(again, LossReason.UNCLEAN_END, None, 0, 0, None, (3, 900_000), (4, 12_000))
    polled(again, 14, step_ms=10_000).stop()  # a boot that never knows the time
    settled(central, again)
    new = successor(central, again, "gw-2", 37)
    settled(central, new)
    return old, again, new


def successor(central, old, name, unseen):
    """Another box at the same meter, which moved by `unseen` counts meanwhile."""
    new = Gateway(name)
    new.now_ms = old.now_ms + 3_600_000
    add_gateway(central.store, name, new.signer.vkey, lambda: central.now_ms)
    citations = tuple(cited(central, old, log) for log in (BILLING, TELEMETRY))
    body = EpochBody(EpochReason.REPLACED, None, citations, "SD card and box broken")
    new.add(Kind.EPOCH, "", NO_REFERENCE, body.to_body())
    new.index = {run: [line + unseen, base] for run, (line, base) in old.index.items()}
    new.configure(*(replaced(config, qmax_l_h=2_000_000) for config in old.configs.values()))
    polled(new, 14, step_ms=10_000, counts=45).stop()
    return new


def lose(gateway, reason, log, first, end, count=None, since=None, until=None):
    """A LOSS leaf; its seq."""
    moments = [None if moment is None else Moment(*moment) for moment in (since, until)]
    epoch = gateway.epoch if log is not None else 0
    body = Loss(reason, log, epoch, first, end, count, *moments, "").to_body()
    return gateway.add(Kind.LOSS, "", NO_REFERENCE, body)
