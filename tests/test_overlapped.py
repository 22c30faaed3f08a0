import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.overlapped import Steps, overlapped


class StepFailedError(Exception):
    """What a step of the tests raises."""


def steps_that_fail_at(read=(), work=(), save=(), saved=None):
    def step(bad, then=None):
        def run(item):
            if item in bad:
                raise StepFailedError(f"{item}")
            if then is not None:
                then.append(item)
            return item

        return run

    return Steps(step(read), step(work), step(save, saved))


numbers = st.sets(st.integers(0, 11))


@given(n=st.integers(0, 12), read=numbers, work=numbers, save=numbers)
@settings(deadline=None)
def test_every_item_comes_out_once_in_order_with_its_own_failure(n, read, work, save):
    saved = []
    outcomes = list(overlapped(range(n), steps_that_fail_at(read, work, save, saved)))
    assert [item for item, _ in outcomes] == list(range(n))
    failed = {item for item, done in outcomes if done.exception() is not None}
    assert failed == (read | work | save) & set(range(n))
    assert saved == [k for k in range(n) if k not in failed]


def test_one_item_is_saved_and_one_read_while_another_is_worked_on():
    """The work on item 1 goes on until item 2 was read and item 0 is being saved."""
    read_two, saving_zero = threading.Event(), threading.Event()

    def read(item):
        if item == 2:
            read_two.set()
        return item

    def work(item):
        if item == 1:
            assert read_two.wait(20)
            assert saving_zero.wait(20)
        return item

    def save(item):
        if item == 0:
            saving_zero.set()

    assert all(
        done.exception() is None for _, done in overlapped(range(4), Steps(read, work, save))
    )


def test_at_most_three_items_are_under_way_however_slow_saving_is():
    under_way, most = set(), 0
    lock = threading.Lock()

    def read(item):
        nonlocal most
        with lock:
            under_way.add(item)
            most = max(most, len(under_way))
        return item

    def save(item):
        time.sleep(0.002)
        with lock:
            under_way.discard(item)

    list(overlapped(range(30), Steps(read, lambda item: item, save)))
    assert most <= 3
    assert not under_way


def test_what_stops_the_program_is_not_kept_for_later():
    def stopped(item):
        raise KeyboardInterrupt

    steps = Steps(lambda item: item, stopped, lambda item: None)
    with pytest.raises(KeyboardInterrupt):
        list(overlapped(range(3), steps))


def test_an_item_alone_goes_through_all_steps():
    saved = []
    steps_that_fail_at(saved=saved)(7)
    assert saved == [7]
