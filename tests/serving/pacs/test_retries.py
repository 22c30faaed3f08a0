"""What is tried again, how often, and how long is waited."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.errors import TransferError
from myoseg.serving.pacs.retries import LONGEST_WAIT_S, with_retries


class Operation:
    """Fails as told, one outcome after another, and counts."""

    def __init__(self, *outcomes):
        self.outcomes, self.n_calls = list(outcomes), 0

    def __call__(self):
        self.n_calls += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def passing():
    return TransferError("busy.", is_transient=True)


def run(operation, n_tries=4, first_wait_s=1.0, progress=lambda: 0):
    waits = []
    try:
        result = with_retries(
            operation,
            n_tries=n_tries,
            first_wait_s=first_wait_s,
            progress=progress,
            sleep=waits.append,
        )
    except TransferError as error:
        result = error
    return result, waits


def test_waits_double():
    operation = Operation(passing(), passing(), passing(), "done")
    assert run(operation) == ("done", [1.0, 2.0, 4.0])


def test_after_the_last_try_the_fault_is_told():
    last = passing()
    operation = Operation(passing(), passing(), last, "never")
    assert run(operation, n_tries=3) == (last, [1.0, 2.0])


def test_what_does_not_pass_is_not_tried_again():
    fault = TransferError("refused.")
    assert run(Operation(fault, "never")) == (fault, [])


def test_other_faults_come_through_at_once():
    with pytest.raises(ZeroDivisionError):
        run(Operation(ZeroDivisionError()))


def test_tries_that_brought_something_do_not_count():
    operation = Operation(*(passing() for _ in range(9)), "done")
    result, waits = run(operation, n_tries=2, progress=lambda: operation.n_calls)
    assert result == "done"
    assert waits == [1.0] * 9


@given(st.integers(1, 12), st.floats(0, 100))
def test_no_more_tries_than_allowed_and_no_wait_beyond_the_longest(n_tries, first_wait_s):
    operation = Operation(*(passing() for _ in range(20)))
    result, waits = run(operation, n_tries, first_wait_s)
    assert isinstance(result, TransferError)
    assert operation.n_calls == n_tries == len(waits) + 1
    assert waits == sorted(waits)
    assert all(wait <= LONGEST_WAIT_S for wait in waits)
