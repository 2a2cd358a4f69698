"""A regulator's configuration to test with."""

from protocols.metering.regulator_config import PressurePoint, RegulatorConfig

ATMOSPHERE_DPA = 1_013_250


def regulator(
    name: str, serial: str, point: str, *, gauge: bool = True, set_dpa_gauge: int = 200_000
) -> RegulatorConfig:
    """A single regulator of that set pressure, watched by its outlet alone."""
    set_dpa = set_dpa_gauge + ATMOSPHERE_DPA
    return RegulatorConfig(
        regulator=name,
        outlet=PressurePoint(serial, point, gauge, 10_000, 100_000_000),
        inlet=None,
        flow=None,
        contacts=(),
        atmosphere_dpa=ATMOSPHERE_DPA,
        set_dpa=set_dpa,
        droop_dpa=set_dpa_gauge // 10,
        lockup_dpa=set_dpa_gauge // 5,
        low_dpa=set_dpa - set_dpa_gauge // 5,
        high_dpa=set_dpa + set_dpa_gauge // 4,
        inlet_low_dpa=0,
        inlet_high_dpa=0,
        standby_set_dpa=0,
        drift_dpa=set_dpa_gauge // 20,
        drift_window_ms=3_600_000,
        hunting_dpa=set_dpa_gauge // 20,
        hunting_turns=6,
        hunting_window_ms=300_000,
        flow_window_ms=60_000,
        hysteresis_dpa=set_dpa_gauge // 100,
        hold_ms=10_000,
        stale_ms=60_000,
    )
