"""What goes with a billing batch from leaf to leaf while it is applied."""

from typing import NamedTuple

from central.ledger.place import Place
from central.ledger.timing import BootClocks


class Going(NamedTuple):
    """The place in the log, and the boots' clocks as they become known."""

    place: Place
    clocks: BootClocks
