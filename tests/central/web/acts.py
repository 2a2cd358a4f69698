"""What a fitter did at the boiler house, as the gateway's log tells it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from central.web.app import create_app
from protocols.evidence.leaf import NO_REFERENCE, Kind
from protocols.evidence.statement import Statement, Value
from tests.central.web import story
from tests.central.web.serving import serving

WHO = "李伟 (own word; uid 1000)"
COMPARED: tuple[tuple[str, Value], ...] = (
    ("meter_serial", "M-100"), ("method", "SGERG-88"),
    ("line.display_m3", "123814.50"), ("line.read_m3", "123814.522"),
    ("line.deviation_m3", "-0.022"), ("line.allowed_m3", "1.211"),
    ("line.limit", "count_and_flow"), ("line.verdict", "within"),
    ("pressure.display_kpa", "409.1"), ("pressure.read_kpa", "401.3284"),
    ("pressure.deviation_kpa", "7.772"), ("pressure.allowed_kpa", "2.057"),
    ("pressure.limit", "0.5 %"), ("pressure.verdict", "outside"),
    ("c.display", "4.0312"), ("c.computed", "4.031904"), ("c.deviation", "-0.000704"),
    ("c.allowed", "0.012146"), ("c.limit", "0.3 %"), ("c.verdict", "within"),
    ("verdict", "outside"),
)  # fmt: skip
REPLACED: tuple[tuple[str, Value], ...] = (
    ("old_serial", "M-099"), ("new_serial", "M-100"), ("at", "2026-03-11 07:10"),
    ("temporary", 0), ("old_answered", 1), ("new_answered", 1),
    ("old.line.end_m3", "77123.402"), ("old.line.end_from", "read"),
    ("old.line.typed_m3", "77123.40"), ("old.line.polled_m3", "77123.391"),
    ("old.line.unseen_m3", "0.011"), ("old.base.end_m3", "308400.1"),
    ("old.base.end_from", "read"), ("new.line.start_m3", "123456.000"),
    ("new.line.read_m3", "123456.002"), ("new.line.unseen_m3", "0.002"), ("new_seal", "0047"),
)  # fmt: skip
CALIBRATED: tuple[tuple[str, Value], ...] = (
    ("device", "p-1"), ("device_serial", "K-200"), ("point", "p1_f32"),
    ("began_utc_ms", story.BEGIN_MS), ("ended_utc_ms", story.BEGIN_MS + 1_800_000),
    ("reference", "DPI 611"), ("reference_certificate", "2026-77"),
    ("reference_due", "2027-03-31"), ("reference_verdict", "good"), ("ambient_c", "12.5"),
    ("limit_percent", "0.5"),
    *(
        (f"{phase}.{n}.{column}_kpa_gauge", f"{value}")
        for phase, off in (("found", 1.2), ("left", 0.1))
        for n, reference in enumerate((0, 200, 400), 1)
        for column, value in (
            ("reference", reference), ("reading", reference + off), ("deviation", off),
            ("allowed", 0.5 + reference * 0.005),
        )
    ),
    ("adjusted", 1), ("verdict", "within"), ("until", "2026-03-30"), ("certificate", ""),
)  # fmt: skip
REGULATOR: tuple[tuple[str, Value], ...] = (
    ("working.supply.found_kpa_gauge", "21.5"), ("working.supply.left_kpa_gauge", "20.0"),
    ("working.supply.configured_kpa_gauge", "20"), ("working.slam_shut.found_kpa_gauge", "28"),
    ("working.slam_shut.left_kpa_gauge", "28"), ("standby.supply.found_kpa_gauge", "19.5"),
    ("standby.supply.left_kpa_gauge", "19.5"), ("standby.supply.configured_kpa_gauge", "16"),
    ("working.lock_up_kpa_gauge", "21.9"), ("bypass_seal", "0048"),
    ("findings", "differs:standby.supply standby_above:standby.supply"),
    ("verdict", "outside"),
)  # fmt: skip
DUE: tuple[tuple[str, Value], ...] = (
    ("what", "verification"), ("meter_serial", "M-100"), ("until", "2026-03-01"),
    ("certificate", "2023-118"),
)  # fmt: skip
HEALTH: tuple[tuple[str, Value], ...] = (("cpu_temperature_c", "48.2"), ("load_1m", "0.12"))


def acts(gateway: story.Gateway) -> None:
    """All of it, in the order of the morning."""
    at = story.instant(story.POLLS)
    for subject, code, fields in (
        (story.RUN, "meter_replaced", REPLACED),
        (story.RUN, "verification_due", DUE),
        (story.RUN, "calibrated_pressure", CALIBRATED),
        ("PR1", "regulator_set", REGULATOR),
        (story.RUN, "compared", COMPARED),
        ("", "health", HEALTH),
        ("", "unheard_of_act", (("thing", "<b>1</b>"),)),
    ):
        body = Statement(code, WHO, "周检 yearly check", fields).to_body()
        gateway.add(Kind.STATEMENT, subject, NO_REFERENCE, at, body)


@contextmanager
def acted_site(directory: Path) -> Iterator[str]:
    """The address of a central that was told of the acts."""
    store = story.told_store(directory, acts)
    with serving(create_app(store, lambda: story.NOW_MS)) as address:
        yield address
    store.close()
