"""Fixed-point integers as exact decimal text. No float comes near a volume.

| field | unit of the integer | digits |
|---|---|---|
| `_cm3` | 1e-6 m3 | 6 |
| `_dpa` | 0.1 Pa = 1e-4 kPa | 4 |
| `_mk` | 1 mK | 3 |
| `_e9` | 1e-9 | 9 |
| `_ms` | 1e-3 s | 3 |
"""

VOLUME_DIGITS = 6
PRESSURE_DIGITS = 4
TEMPERATURE_DIGITS = 3
HEATING_VALUE_DIGITS = 6
FACTOR_DIGITS = 9
TIME_DIGITS = 3

# 0 degC in mK (ITS-90).
ICE_POINT_MK = 273_150


def exact(value: int, digits: int) -> str:
    """`value` x 10^-digits with all its digits: exact(1500, 3) is "1.500"."""
    sign = "-" if value < 0 else ""
    if digits == 0:
        return f"{value}"
    whole, part = divmod(abs(value), 10**digits)
    return f"{sign}{whole}.{part:0{digits}d}"


def rounded(value: int, digits: int, shown: int) -> str:
    """`value` x 10^-digits to `shown` <= digits decimals, half to even, thousands set off."""
    unit = 10 ** (digits - shown)
    quotient, rest = divmod(abs(value), unit)
    if 2 * rest > unit or (2 * rest == unit and quotient % 2 == 1):
        quotient += 1
    sign = "-" if value < 0 and quotient else ""
    whole, _, part = exact(quotient, shown).partition(".")
    grouped = f"{sign}{int(whole):,}"
    return f"{grouped}.{part}" if part else grouped


def volume_m3(cm3: int) -> str:
    """For a page: to 0.001 m3, the resolution most indexes have."""
    return rounded(cm3, VOLUME_DIGITS, 3)


def pressure_kpa(dpa: int) -> str:
    """For a page: to 0.01 kPa."""
    return rounded(dpa, PRESSURE_DIGITS, 2)


def temperature_c(mk: int) -> str:
    """For a page: degrees Celsius to 0.01."""
    return rounded(mk - ICE_POINT_MK, TEMPERATURE_DIGITS, 2)


def volume_m3_5(cm3: int) -> str:
    """For an hour or a gas day: to 1e-5 m3 (API MPMS 21.1)."""
    return rounded(cm3, VOLUME_DIGITS, 5)


def pressure_kpa_3(dpa: int) -> str:
    """For an hour or a gas day: to 0.001 kPa."""
    return rounded(dpa, PRESSURE_DIGITS, 3)


def temperature_c_3(mk: int) -> str:
    """For an hour or a gas day: degrees Celsius to 0.001."""
    return rounded(mk - ICE_POINT_MK, TEMPERATURE_DIGITS, 3)


def factor(e9: int) -> str:
    """For a page: Z or C to 1e-5."""
    return rounded(e9, FACTOR_DIGITS, 5)


def duration_s(ms: int) -> str:
    """For a page: seconds to 0.1."""
    return rounded(ms, TIME_DIGITS, 1)


def duration_h(ms: int) -> str:
    """For a page: hours to 0.01; what is not nothing is never shown as nothing."""
    shown = rounded((2 * ms + 36) // 72, 5, 2)  # 36 ms are 1e-5 h
    return "<0.01" if ms and shown == "0.00" else shown


def heating_value(j_m3: int) -> str:
    """For a page: MJ/m3 to 0.0001."""
    return rounded(j_m3, HEATING_VALUE_DIGITS, 4)


def count(value: int) -> str:
    """A number of things, thousands set off."""
    return f"{value:,}"
