"""A bus that is lent to a person for a while: its port is closed, its polls are BAD_PORT.

The bus thread stands back between two polls, and takes the port again when it is given back, when
the program that had it has ended, or when its time is over: nobody can forget to do that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from edge_agent.bus.holder import NOBODY, Holder

MAX_LOAN_MS: Final = 3_600_000


class Loan(NamedTuple):
    """To whom, why, and until when; `who` is a claim. `holder`: the program, if it is one's."""

    bus: str
    who: str
    reason: str
    until_mono_ms: int
    until_utc_ms: int | None
    holder: Holder = NOBODY


class Loans:
    """The loan of one bus. `lend` and `give_back` are for others; the rest is the bus thread's.

    `current` may be looked at from any thread. `on_end` is told of a loan's end, and how it ended;
    it must not wait, and says False where it has to be told again.
    """

    def __init__(self) -> None:
        self.current: Loan | None = None
        self.on_end: Callable[[Loan, str], bool] = lambda _loan, _how: True
        self._lock = threading.Lock()
        self._back = ""  # how it is given back
        self._stood_back = threading.Event()
        self._untold: tuple[Loan, str] | None = None

    def lend(self, loan: Loan) -> Loan | None:
        """None: it is lent. Else to whom it is lent already."""
        with self._lock:
            if self.current is not None:
                return self.current
            self._stood_back.clear()
            self._back = ""
            self.current = loan
        return None

    def wait(self, timeout_s: float) -> bool:
        """Until the port is free; False where the bus thread did not come round."""
        return self._stood_back.wait(timeout_s)

    def give_back(self, how: str, pid: int = 0) -> Loan | None:
        """The loan that ends now; None where there is none. `pid`: only that program's own."""
        with self._lock:
            if self.current is None or pid not in (0, self.current.holder.pid):
                return None
            self._back = how
            return self.current

    def look(self, now_ms: int, close: Callable[[], None]) -> bool:
        """Whether the bus thread has to stand back now; `close` frees the port, once."""
        loan = self.current
        if loan is None:
            if self._untold is not None:
                self._tell(*self._untold)
            return False
        if self._back or now_ms >= loan.until_mono_ms:
            self.end(self._back or "its time is over")
            return False
        if loan.holder.is_gone():
            self.end("the program that had it has ended")
            return False
        if not self._stood_back.is_set():
            close()
            self._stood_back.set()
        return True

    def end(self, how: str) -> None:
        """It is over, if there is one; from the bus thread."""
        loan = self.current
        if loan is None:
            return
        loan.holder.close()
        self._tell(loan, how)  # first: the next loan's beginning stands behind this one's end
        with self._lock:
            self.current = None

    def _tell(self, loan: Loan, how: str) -> None:
        self._untold = None if self.on_end(loan, how) else (loan, how)
