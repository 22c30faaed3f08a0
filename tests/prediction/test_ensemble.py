import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from myoseg.prediction.ensemble import average, cut

unit = st.floats(0, 1, width=32)
stacks = st.integers(1, 4).flatmap(lambda n: arrays(np.float32, (n, 3, 4), elements=unit))


def test_three_networks_are_averaged_then_cut_at_a_half():
    votes = np.array([[0.9, 0.9, 0.2], [0.8, 0.1, 0.2], [0.1, 0.2, 0.9]], dtype=np.float32)

    np.testing.assert_allclose(average(votes), [0.6, 0.4, 1.3 / 3], rtol=1e-6)
    assert cut(average(votes)).tolist() == [True, False, False]


def test_a_confident_network_outvotes_two_hesitant_ones():
    votes = np.array([[1.0], [0.3], [0.3]], dtype=np.float32)

    assert cut(average(votes)).tolist() == [True]


@given(stacks)
def test_the_mean_lies_between_the_networks_whatever_their_order(votes):
    mean = average(votes)

    assert (mean >= votes.min(axis=0)).all()
    assert (mean <= votes.max(axis=0)).all()
    np.testing.assert_allclose(average(votes[::-1]), mean, rtol=1e-6)


@given(arrays(np.float32, (1, 3, 4), elements=unit))
def test_one_network_is_its_own_mean(votes):
    np.testing.assert_array_equal(average(votes), votes[0])


def test_exactly_a_half_is_not_claimed():
    just_above = np.nextafter(np.float32(0.5), np.float32(1))

    assert cut(np.array([0.5, just_above], dtype=np.float32)).tolist() == [False, True]


def test_a_network_that_sees_nothing_gives_an_empty_mask():
    assert not cut(average(np.zeros((3, 4, 4), dtype=np.float32))).any()
    assert not cut(average(np.full((1, 4, 4), 0.5, dtype=np.float32))).any()


def test_a_mean_of_no_networks_is_refused():
    with pytest.raises(ValueError, match="no networks"):
        average(np.zeros((0, 4, 4), dtype=np.float32))
