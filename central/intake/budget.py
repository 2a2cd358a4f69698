"""How much refused work one gateway may cause: a token bucket each.

What is refused may have cost inflating, hashing and a commit. A gateway that keeps sending such
things is told to come later, before any of it; the others never wait for it. Pure but for its own
memory, which is bounded.
"""

from collections import OrderedDict
from threading import Lock
from typing import Final, NamedTuple

BURST: Final = 30
REFILL_EACH_MS: Final = 2_000
MAX_KEYS: Final = 4096
"""Of so many gateways the buckets are remembered; of more, the ones that were quiet longest go."""


class _Level(NamedTuple):
    left: int
    at_ms: int


class Budget:
    """One bucket for each key: `burst` tokens, and one more each `refill_each_ms`."""

    def __init__(self, burst: int = BURST, refill_each_ms: int = REFILL_EACH_MS) -> None:
        self._burst = burst
        self._refill_each_ms = refill_each_ms
        self._levels: OrderedDict[str, _Level] = OrderedDict()
        self._lock = Lock()

    def wait_s(self, key: str, now_ms: int) -> int:
        """Seconds until this key has a token again; 0 where it has one. Takes nothing."""
        with self._lock:
            level = self._level(key, now_ms)
        if level.left > 0:
            return 0
        return -(-(level.at_ms + self._refill_each_ms - now_ms) // 1000)

    def take(self, key: str, now_ms: int) -> None:
        """Take one token, if there is one."""
        with self._lock:
            level = self._level(key, now_ms)
            self._levels[key] = level._replace(left=max(level.left - 1, 0))
            self._levels.move_to_end(key)
            while len(self._levels) > MAX_KEYS:
                self._levels.popitem(last=False)

    def _level(self, key: str, now_ms: int) -> _Level:
        """The level now. A clock that was set back neither gives nor takes tokens."""
        level = self._levels.get(key)
        if level is None:
            return _Level(self._burst, now_ms)
        if now_ms < level.at_ms:
            return _Level(level.left, now_ms)
        grown = (now_ms - level.at_ms) // self._refill_each_ms
        if level.left + grown >= self._burst:
            return _Level(self._burst, now_ms)
        return _Level(level.left + grown, level.at_ms + grown * self._refill_each_ms)
