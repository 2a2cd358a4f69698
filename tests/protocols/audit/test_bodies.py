"""Bodies are held against the subject and reference of their leaf."""

import pytest

from protocols.audit.bodies import config_of, instant_of, interval_of, map_of, raws_of, scan_of
from protocols.evidence.leaf import Kind
from tests.central.web import story
from tests.protocols.audit.morning import BILLING, TELEMETRY, first

CONFIGURATION = next(leaf for leaf in BILLING if leaf.subject == story.RUN)
MAP = first(Kind.REGISTER_MAP)
INTERVAL = first(Kind.INTERVAL)
SCAN = next(leaf for leaf in TELEMETRY if leaf.subject == "M-100")


def test_a_leaf_gives_what_was_put_in() -> None:
    """Configuration, register map, interval, scan and instant."""
    assert config_of(CONFIGURATION) == story.CONFIG
    assert map_of(MAP) == story.SERIALS[MAP.subject]
    assert interval_of(INTERVAL).run == story.RUN
    scan = scan_of(SCAN, story.METER)
    assert (scan.seq, scan.serial) == (SCAN.seq, "M-100")
    assert scan.values["vm"] == (123_456_750, "count")
    assert scan_of(SCAN, story.METER, 77).seq == 77
    assert instant_of(SCAN) == story.instant(0)


@pytest.mark.parametrize(
    ("read", "leaf"),
    [
        (config_of, CONFIGURATION._replace(subject="R2")),
        (config_of, CONFIGURATION._replace(reference=bytes(32))),
        (config_of, MAP),
        (map_of, MAP._replace(reference=bytes(32))),
        (map_of, CONFIGURATION),
        (interval_of, INTERVAL._replace(subject="R2")),
        (interval_of, INTERVAL._replace(reference=bytes(32))),
        (interval_of, INTERVAL._replace(body=INTERVAL.body[:-1])),
        (interval_of, SCAN),
        (raws_of, SCAN._replace(body=("1",))),
        (raws_of, INTERVAL),
    ],
)
def test_what_does_not_fit_is_refused(read, leaf) -> None:  # type: ignore[no-untyped-def]
    """Another subject, reference, body or kind."""
    with pytest.raises(ValueError):
        read(leaf)


def test_a_scan_of_another_map_is_refused() -> None:
    """The number of values must be the map's."""
    with pytest.raises(ValueError):
        scan_of(SCAN, story.KELLER)
