"""What may be written to an instrument: set points with limits, snapshots, mailbox commands.

Data only. Whoever writes (a technician's command, never the poll) keeps the limits, reads back,
and records it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from protocols.registers.point import MAX_ADDRESS, Table, decimal_is_valid, name_is_valid

WRITE_FUNCTIONS: Final = (5, 6, 15, 16)
WRITE_KINDS: Final = ("setpoint", "clock", "setting")
COMMAND_KINDS: Final = ("snapshot", "reset", "action", "login")
MAX_STEPS: Final = 8
MAX_STEP_WORDS: Final = 16
MAX_TIMEOUT_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Write:
    """How one point is written. `low` and `high`: decimals in its unit, kept before each write.

    Empty: the source gives no limit, and nothing may be written until the site gives one.
    """

    function: int
    low: str = ""
    high: str = ""
    kind: str = "setpoint"


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a command: the words that go to an address.

    `argument` (low, high): one more word, which the caller gives, follows the fixed ones.
    `text`: so many characters, which the caller gives (a password), padded with blanks, follow.
    """

    function: int
    address: int
    words: tuple[int, ...]
    argument: tuple[int, ...] = ()
    text: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """Where a command tells its result: `good` means done, `failed` names what went wrong.

    Any other value: not done yet, asked again until the command's timeout.
    """

    function: int
    address: int
    good: tuple[int, ...]
    failed: Table = ()


@dataclass(frozen=True, slots=True)
class Command:
    """Something that the instrument does when told so.

    `freezes`: the points that a snapshot leaves standing until the next one. `one_master`: a second
    master that gives the command too would take the first one's figures away.
    """

    name: str
    kind: str
    steps: tuple[Step, ...]
    bank: int = 0
    status: Status | None = None
    timeout_ms: int = 1_000
    freezes: tuple[str, ...] = ()
    one_master: bool = False
    note: str = ""


def write_faults(write: Write) -> list[str]:
    """What is wrong with the rule by which a point is written."""
    faults = []
    if write.function not in WRITE_FUNCTIONS:
        faults.append(f"write.function {write.function}: must be one of 5, 6, 15, 16")
    if write.kind not in WRITE_KINDS:
        faults.append(f"write.kind {write.kind[:40]!r}: must be one of {', '.join(WRITE_KINDS)}")
    if not all(limit in ("", "0") or decimal_is_valid(limit) for limit in (write.low, write.high)):
        faults.append("write: low and high must be decimals, like 0.5")
    elif write.low and write.high and Decimal(write.low) > Decimal(write.high):
        faults.append(f"write: low {write.low} is above high {write.high}")
    return faults


def command_faults(command: Command) -> list[str]:
    """What is wrong with a command by itself."""
    faults = []
    if not name_is_valid(command.name):
        faults.append(f"name {command.name[:40]!r}: must be [a-z][a-z0-9_]*")
    if command.kind not in COMMAND_KINDS:
        faults.append(f"kind {command.kind[:40]!r}: must be one of {', '.join(COMMAND_KINDS)}")
    if not 1 <= len(command.steps) <= MAX_STEPS:
        faults.append(f"steps: must be 1..{MAX_STEPS}")
    for step in command.steps[:MAX_STEPS]:
        faults.extend(_step_faults(step))
    if not 1 <= command.timeout_ms <= MAX_TIMEOUT_MS:
        faults.append(f"timeout_ms: must be 1..{MAX_TIMEOUT_MS}")
    status = command.status
    if status is not None:
        if status.function not in (3, 4) or not 0 <= status.address <= MAX_ADDRESS:
            faults.append("status: function must be 3 or 4, address within 0..65535")
        if not status.good or set(status.good) & dict(status.failed).keys():
            faults.append("status: good must name at least one value, and none that failed names")
    return faults


def _step_faults(step: Step) -> list[str]:
    faults = []
    count = len(step.words) + bool(step.argument) + (step.text + 1) // 2
    if step.function not in WRITE_FUNCTIONS:
        faults.append(f"steps: function {step.function} must be one of 5, 6, 15, 16")
    if not 1 <= count <= (MAX_STEP_WORDS if step.function in (15, 16) else 1):
        faults.append(f"steps: function {step.function} cannot write {count} words")
    if not all(0 <= word <= 0xFFFF for word in step.words):
        faults.append("steps: words must be 0..65535")
    if not 0 <= step.text <= 2 * MAX_STEP_WORDS:
        faults.append(f"steps: text must be 0..{2 * MAX_STEP_WORDS} characters")
    if not 0 <= step.address <= MAX_ADDRESS:
        faults.append(f"steps: address {step.address} must be 0..{MAX_ADDRESS}")
    if step.argument and (
        len(step.argument) != 2 or not 0 <= step.argument[0] <= step.argument[1] <= 0xFFFF
    ):
        faults.append("steps: argument must be [low, high] within 0..65535")
    return faults


def is_within(write: Write, number: float | Decimal) -> bool:
    """Whether a number may be written at all; NaN may not, nor anything without two limits."""
    if not (write.low and write.high):
        return False
    value = Decimal(number)
    return value.is_finite() and Decimal(write.low) <= value <= Decimal(write.high)


def outcome(status: Status, value: int) -> str | None:
    """Empty for done, the fault's name for failed, None for not done yet."""
    if value in status.good:
        return ""
    failed: Mapping[int, str] = dict(status.failed)
    return failed.get(value)
