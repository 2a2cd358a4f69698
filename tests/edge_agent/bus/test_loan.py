"""A loan's life: lent, stood back once, given back or over, told until it is heard."""

from edge_agent.bus.loan import Loan, Loans

LOAN = Loan("line", "Li", "why", 1_000, None)


def test_the_port_is_closed_once_and_the_end_is_told() -> None:
    """In between the bus thread stands back at each look."""
    loans, closed, told = Loans(), [], []
    loans.on_end = lambda loan, how: not told.append((loan, how))
    assert not loans.look(0, lambda: closed.append(0))
    assert loans.lend(LOAN) is None
    assert not loans.wait(0.0)
    assert all(loans.look(now, lambda: closed.append("closed")) for now in (1, 2, 999))
    assert closed == ["closed"]
    assert loans.wait(0.0)
    assert not loans.look(1_000, lambda: closed.append(1))
    assert told == [(LOAN, "its time is over")]
    assert loans.current is None


def test_given_back_before_its_time() -> None:
    """How, is told; who gives back what is not lent hears so."""
    loans, told = Loans(), []
    loans.on_end = lambda _loan, how: not told.append(how)
    assert loans.give_back("x") is None
    loans.lend(LOAN)
    assert loans.lend(LOAN._replace(who="Wang")) == LOAN
    assert loans.give_back("by hand") == LOAN
    assert not loans.look(5, lambda: None)
    assert told == ["by hand"]
    assert loans.lend(LOAN) is None
    assert loans.look(6, lambda: None)


def test_an_end_that_nobody_had_room_for_is_told_again() -> None:
    """Until it is taken, once."""
    loans, told, room = Loans(), [], [False, True, True]
    loans.on_end = lambda _loan, how: told.append(how) or room.pop(0)
    loans.lend(LOAN)
    loans.end("the agent ends")
    assert loans.current is None
    for _ in range(3):
        loans.look(9, lambda: None)
    assert told == ["the agent ends"] * 2
