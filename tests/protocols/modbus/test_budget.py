"""The bus-time budget against figures worked out by hand."""

import pytest

from protocols.modbus.budget import Line, Load, char_ms, line_faults, silence_ms
from protocols.modbus.plan import plan
from protocols.registers.library import load_profile

LINE = Line(9600, 10)


def blocks(profile_id, *names):
    profile = load_profile(profile_id)
    return plan([profile.point(name) for name in names or profile.default_points], profile)


def test_a_character_at_9600_baud():
    """10 bits at 9600 baud take 1.0417 ms, 11 bits 1.1458 ms; the silence is 3.5 of them."""
    assert char_ms(9600, 10) == pytest.approx(1.041667, abs=1e-6)
    assert char_ms(9600, 11) == pytest.approx(1.145833, abs=1e-6)
    assert silence_ms(9600, 10) == pytest.approx(3.645833, abs=1e-6)
    assert silence_ms(38400, 10) == 1.75


@pytest.mark.parametrize(
    ("made", "baud", "bits", "turnaround", "expected"),
    [
        # 8 + 3.5 + (5 + 24) + 3.5 = 44 characters x 1.041667 ms
        (blocks("sick-flowsic500", "resolution_vm", "resolution_vb", "vm", "vm_err", "vb",
                "vb_err", "vb_total"), 9600, 10, 0.0, 45.8333),
        # the same with the flow: 8 + 3.5 + (5 + 4) + 3.5 = 24 characters more, and 2 x 20 ms
        (blocks("sick-flowsic500"), 9600, 10, 20.0, 110.8333),
        # 24 characters x 1.145833 ms with even parity
        (blocks("keller-33x", "p1_f32"), 9600, 11, 0.0, 27.5),
        # 17 characters x 0.260417 ms and twice 1.75 ms
        (blocks("keller-33x", "p1_f32"), 38400, 10, 0.0, 7.9271),
    ],
)  # fmt: skip
def test_exchanges_by_hand(made, baud, bits, turnaround, expected):
    """The time of a scan is characters, silences and turnarounds, as on paper."""
    assert Line(baud, bits, turnaround).scan_ms(made) == pytest.approx(expected, abs=1e-3)


def test_a_schedule_that_fits():
    """A meter and two transmitters each two seconds are well within a 9600-baud line."""
    loads = [
        Load("m", blocks("sick-flowsic500"), 2000),
        Load("p", blocks("keller-33x"), 2000),
        Load("t", blocks("rosemount-3095fb"), 2000),
    ]
    assert line_faults(loads, LINE) == []


def test_a_schedule_that_cannot_fit():
    """The refusal names the line's use, each device's share, and what to do."""
    loads = [Load("m", blocks("sick-flowsic500"), 100), Load("p", blocks("keller-33x"), 1000)]
    # m: 68 characters x 1.041667 + 2 x 25 = 120.83 ms; p: 48 characters + 2 x 25 = 100 ms
    (fault,) = line_faults(loads, LINE)
    assert "needs 131 % of the line at 9600 baud, at most 95 %" in fault
    assert "m 2 requests, 121 ms each 100 ms = 120.8 %" in fault
    assert "p 2 requests, 100 ms each 1000 ms = 10.0 %" in fault
    assert "poll less often" in fault


def test_the_limit():
    """Just under 95 % of the line is allowed, just over is not."""
    made = blocks("keller-33x", "p1_f32")  # 24 characters = 25 ms, and 25 ms turnaround
    assert line_faults([Load("p", made, 53)], LINE) == []
    assert line_faults([Load("p", made, 52)], LINE) != []
