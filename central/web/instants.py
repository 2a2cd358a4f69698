"""Instants as a reader wants them: an age, or the site's wall clock with its zone named."""

from datetime import UTC, datetime, timedelta, tzinfo

from central.web.words import Words
from protocols.metering import gas_day

# A gateway uploads each 300 s unless configured otherwise (evidence.md: batch).
LATE_MS = 3 * 300_000
SILENT_MS = 3_600_000
# Two clocks that keep time by NTP may differ by this much without a remark.
CLOCK_TOLERANCE_MS = 2_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def zone_of(name: str) -> tzinfo:
    """The zone of that name; UTC where it is unknown here, and `zone_label` then says UTC."""
    if name == "UTC":
        return UTC
    try:
        return gas_day.zone_of(name)
    except gas_day.GasDayError:
        return UTC


def moment(utc_ms: int, zone: tzinfo = UTC) -> datetime | None:
    """The aware instant; None where it lies outside the years a calendar has."""
    try:
        return (_EPOCH + timedelta(milliseconds=utc_ms)).astimezone(zone)
    except (OverflowError, ValueError):
        return None


def wall_clock(utc_ms: int | None, zone: tzinfo) -> str:
    """YYYY-MM-DD hh:mm:ss in the zone; empty where the instant is unknown."""
    at = None if utc_ms is None else moment(utc_ms, zone)
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def wall_clock_ms(utc_ms: int | None, zone: tzinfo) -> str:
    """The same to the millisecond, a form that Excel takes for a date."""
    at = None if utc_ms is None else moment(utc_ms, zone)
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"


def zone_label(name: str, utc_ms: int) -> str:
    """The zone's name with its offset at that instant: Asia/Shanghai (UTC+08:00)."""
    zone = zone_of(name)
    at = moment(utc_ms, zone)
    offset = (at.utcoffset() if at else None) or timedelta(0)
    if zone is UTC:
        return "UTC"
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{name} (UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d})"


def age(now_ms: int, then_ms: int | None, words: Words) -> str:
    """How long ago; never where there is no instant."""
    return words("age.never") if then_ms is None else _elapsed(now_ms - then_ms, words, "age")


def lag(now_ms: int, then_ms: int | None, words: Words) -> str:
    """How far behind; a dash where there is no instant."""
    return words("page.none") if then_ms is None else _elapsed(now_ms - then_ms, words, "lag")


def _elapsed(elapsed_ms: int, words: Words, table: str) -> str:
    """In the largest unit that fits twice; what lies ahead is said, not hidden."""
    seconds = abs(elapsed_ms) // 1000
    if elapsed_ms < -CLOCK_TOLERANCE_MS:
        return words(f"{table}.ahead", n=seconds)
    for unit_s, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if elapsed_ms > 0 and seconds >= 2 * unit_s:
            return words(f"{table}.{unit}", n=seconds // unit_s)
    return words(f"{table}.seconds", n=seconds) if elapsed_ms >= 1000 else words(f"{table}.now")


def gateway_state(last_seen_ms: int | None, stopped: bool, now_ms: int) -> str:
    """good, late (three batches missed), silent (an hour), never or stopped."""
    if stopped:
        return "stopped"
    if last_seen_ms is None:
        return "never"
    if now_ms - last_seen_ms > SILENT_MS:
        return "silent"
    return "late" if now_ms - last_seen_ms > LATE_MS else "good"
