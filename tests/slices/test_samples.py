import multiprocessing
import pickle
from collections.abc import Sequence as ListLike
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.anatomy import EACH_TISSUE, Sequence, Tissue
from myoseg.slices.augmentation import Augmentation, draw_augmentation, rotate
from myoseg.slices.extract import LabelledSlice, SliceOrigin
from myoseg.slices.normalisation import Preprocessing, normalise
from myoseg.slices.samples import AugmentedSamples, PlainSamples, augment


def some_slices(n_slices: int, size_px: int = 32, labels: bool = True) -> ListLike[LabelledSlice]:
    rng = np.random.default_rng(7)
    codes = np.kron(rng.choice([0, *Tissue], (4, 4)), np.ones((size_px // 4, size_px // 4)))
    return [
        LabelledSlice(
            images=rng.uniform(0, 4000, (3, size_px, size_px)).astype(np.float32),
            sequences=tuple(Sequence),
            labels=codes.astype(np.int16) if labels else None,
            groups=EACH_TISSUE if labels else (),
            origin=SliceOrigin("a", index),
        )
        for index in range(n_slices)
    ]


def some_samples(n_slices: int = 3, seed: int = 0, **options) -> AugmentedSamples:
    return AugmentedSamples(
        some_slices(n_slices), Augmentation(n_warps=4, **options), Preprocessing(32), seed
    )


def assert_same(first: LabelledSlice, second: LabelledSlice) -> None:
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.labels, second.labels)
    assert first.origin == second.origin


def test_102_slices_give_the_papers_4080_samples():
    samples = AugmentedSamples(some_slices(102), Augmentation(), Preprocessing(), seed=0)

    assert len(samples) == 4080 == 3264 + 816
    assert 0.8 * len(samples) == 3264


def test_every_slice_has_20_warps_and_each_of_them_one_turned_copy():
    samples = AugmentedSamples(some_slices(3), Augmentation(), Preprocessing(), seed=0)

    places = [samples.place_of(index) for index in range(len(samples))]

    assert sorted(places) == [(s, w, c) for s in range(3) for w in range(20) for c in range(2)]
    assert samples[-1].origin == SliceOrigin("a", 2)


@given(st.integers(0, 23), st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_a_sample_depends_on_seed_and_index_alone(index, seed):
    asked_first = some_samples(seed=seed)[index]
    others_first = some_samples(seed=seed)
    for other in (5, 0, 23):
        others_first[other]

    assert_same(asked_first, others_first[index])


def test_samples_are_the_same_in_other_processes():
    samples = some_samples()
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=2, mp_context=spawned) as workers:
        elsewhere = list(workers.map(samples.__getitem__, range(8)))

    for index, sample in enumerate(elsewhere):
        assert_same(sample, samples[index])


def test_samples_can_be_pickled():
    samples = some_samples()

    assert_same(pickle.loads(pickle.dumps(samples))[5], samples[5])


def test_another_seed_warp_or_slice_is_another_sample():
    samples = some_samples()
    several = [samples[0], samples[2], samples[8], some_samples(seed=1)[0], samples.at_epoch(1)[0]]

    assert len({sample.images.tobytes() for sample in several}) == len(several)


def test_epoch_0_is_the_papers_fixed_set():
    assert_same(some_samples().at_epoch(0)[3], some_samples()[3])


@given(st.integers(0, 11))
@settings(max_examples=12)
def test_the_turned_copy_is_a_turn_of_the_same_warped_copy(pair):
    samples = some_samples()
    warped, turned = samples[2 * pair], samples[2 * pair + 1]

    matches = [
        turns
        for turns in (1, 2, 3)
        if np.array_equal(turned.images, rotate(warped.images, turns))
        and np.array_equal(turned.labels, rotate(warped.labels, turns))
    ]
    assert len(matches) == 1


def test_three_turned_copies_are_the_three_turns():
    samples = some_samples(n_rotated=3)

    copies = {samples[index].images.tobytes() for index in range(4)}

    assert copies == {rotate(samples[0].images, turns).tobytes() for turns in range(4)}


def test_a_sample_is_warped_then_turned_then_normalised():
    samples = some_samples()
    drawn = draw_augmentation(np.random.default_rng([0, 1, 2]), samples.augmentation)

    by_hand = augment(samples.slices[1], drawn, drawn.quarter_turns[0])

    sample = samples[1 * 8 + 2 * 2 + 1]
    np.testing.assert_array_equal(sample.images, normalise(by_hand.images))
    np.testing.assert_array_equal(sample.labels, by_hand.labels)


def test_one_field_warps_all_sequences_and_the_labels():
    (source,) = some_slices(1)
    pattern = source.images[:1].repeat(3, axis=0)
    source = LabelledSlice(
        pattern, source.sequences, (pattern[0] > 2000).astype(np.int16) * 500, EACH_TISSUE,
        source.origin,
    )  # fmt: skip

    drawn = draw_augmentation(np.random.default_rng(0), Augmentation())
    warped = augment(source, drawn)

    np.testing.assert_array_equal(warped.images[0], warped.images[1])
    np.testing.assert_array_equal(warped.images[0], warped.images[2])
    assert set(np.unique(warped.labels)) == {0, 500}


def test_a_slice_without_labels_gives_samples_without_labels():
    samples = AugmentedSamples(
        some_slices(1, labels=False), Augmentation(n_warps=1), Preprocessing(), seed=0
    )

    assert [sample.labels for sample in samples] == [None, None]


def test_a_slice_without_any_tissue_gives_samples_without_any():
    (source,) = some_slices(1)
    empty = LabelledSlice(
        source.images, source.sequences, np.zeros_like(source.labels), EACH_TISSUE, source.origin
    )

    samples = AugmentedSamples([empty], Augmentation(n_warps=2), Preprocessing(), seed=0)

    assert not any(sample.labels.any() for sample in samples)


def test_intensity_options_act_on_the_normalised_image():
    plain, gained = some_samples()[0], some_samples(gain_range=(2.0, 2.0))[0]

    np.testing.assert_allclose(gained.images, 2 * plain.images, rtol=1e-6)


def test_samples_leave_the_slices_alone():
    slices = some_slices(1)
    before = slices[0].images.copy(), slices[0].labels.copy()
    samples = AugmentedSamples(slices, Augmentation(n_warps=1), Preprocessing(), seed=0)
    samples[1].images[...] = -1
    samples[1].labels[...] = -1

    np.testing.assert_array_equal(slices[0].images, before[0])
    np.testing.assert_array_equal(slices[0].labels, before[1])


def test_plain_samples_are_the_slices_normalised():
    slices = some_slices(3)
    plain = PlainSamples(slices, Preprocessing(clip=True))

    assert len(plain) == 3
    for source, sample in zip(slices, plain, strict=True):
        np.testing.assert_array_equal(sample.images, normalise(source.images, clip=True))
        assert sample.labels is source.labels


def test_there_is_no_sample_after_the_last():
    with pytest.raises(IndexError):
        some_samples()[24]
    with pytest.raises(IndexError):
        PlainSamples(some_slices(2), Preprocessing())[2]
