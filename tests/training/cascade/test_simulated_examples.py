import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue
from myoseg.cases.phantom.tissue import Material
from myoseg.slices.framing import MOST_NORMALISED
from myoseg.training.cascade.appearance import degrade
from myoseg.training.cascade.contrast import LEAST_CONTRAST, draw_signals
from myoseg.training.cascade.examples import SimulatedExamples, misdrawn_guides
from myoseg.training.cascade.framing import drawn_stretch, drawn_turn
from myoseg.training.cascade.recipe import load_cascade_recipe
from myoseg.training.cascade.simulated_slices import draw_plane, draw_scene, regions_of

RECIPE = load_cascade_recipe()
ANATOMY, PATHOLOGY = RECIPE.built_stages
SEEDS = st.integers(0, 10_000)


def examples_of(stage, seed=0, **changes):
    settings_of_stage = RECIPE.stages[stage.name].model_copy(update=changes)
    return SimulatedExamples(stage, settings_of_stage, RECIPE.simulation, seed)


@pytest.mark.parametrize("stage", [ANATOMY, PATHOLOGY], ids=str)
def test_an_example_follows_from_seed_and_number_alone(stage):
    first, again, other = examples_of(stage)[3], examples_of(stage)[3], examples_of(stage, 1)[3]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("stage", [ANATOMY, PATHOLOGY], ids=str)
def test_an_example_has_a_channel_for_each_input_and_a_mask_for_each_block(stage):
    images, masks, assessed = examples_of(stage)[0]
    n = stage.size_px
    assert images.shape == (stage.n_inputs, n, n)
    assert masks.shape == (len(stage.blocks), n, n)
    assert assessed.shape == (len(stage.blocks),)
    assert images.dtype == torch.float32


@settings(max_examples=15, deadline=None)
@given(number=SEEDS)
def test_images_are_finite_and_within_the_range_that_networks_see(number):
    images, _, _ = examples_of(PATHOLOGY)[number]
    assert torch.isfinite(images).all()
    assert images.min() >= MOST_NORMALISED[0]
    assert images.max() <= MOST_NORMALISED[1]


@settings(max_examples=15, deadline=None)
@given(number=SEEDS)
def test_anatomy_is_seen_in_one_sequence_and_the_blood_pool_lies_inside_the_epicardium(number):
    images, masks, _ = examples_of(ANATOMY)[number]
    lv, _, epicardium = masks
    assert sum(bool(channel.any()) for channel in images) <= 1
    assert (lv & ~epicardium).sum() <= 0.02 * lv.sum() + 2


@settings(max_examples=15, deadline=None)
@given(number=SEEDS)
def test_scar_lies_inside_edema_and_scar(number):
    _, (lvmems, lvms), _ = examples_of(PATHOLOGY)[number]
    assert not (lvms & ~lvmems).any()


@settings(max_examples=20, deadline=None)
@given(number=SEEDS)
def test_a_block_counts_only_where_its_sequence_is_there(number):
    """Of pathology: channel 0 is LGE, which tells scar; channel 1 is T2, which tells edema."""
    images, _, (edema_known, scar_known) = examples_of(PATHOLOGY)[number]
    assert bool(edema_known) == bool(images[1].any())
    assert bool(scar_known) == bool(images[0].any())


def test_where_no_case_has_an_infarct_no_scar_is_drawn():
    slices = RECIPE.stages["pathology"].slices.model_copy(update={"infarct_probability": 0.0})
    samples = examples_of(PATHOLOGY, slices=slices)
    assert not any(samples[number][1].any() for number in range(10))


def test_regions_of_blocks_are_the_tissues_that_fill_most_of_a_pixel():
    rng = np.random.default_rng(4)
    ranges = RECIPE.stages["anatomy"].slices.model_copy(
        update={"levels": (0.3, 0.4), "unframed_share": 0.0}
    )
    plane = draw_plane(rng, draw_scene(rng, ranges).scene, ANATOMY, ranges)
    lv, _, epicardium = regions_of(plane, ANATOMY.blocks)
    assert (lv == (plane.share(frozenset({Tissue.LV_BLOOD_POOL})) > 0.5)).all()
    assert (epicardium == (plane.share(MYOCARDIUM | {Tissue.LV_BLOOD_POOL}) > 0.5)).all()
    assert lv.sum() > 50


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, sequence=st.sampled_from(list(Sequence)))
def test_a_random_contrast_sets_blood_off_from_the_wall_and_shows_disease_as_it_must(
    seed, sequence
):
    rng = np.random.default_rng(seed)
    tissues = draw_scene(rng, RECIPE.stages["pathology"].slices).tissues
    contrast = RECIPE.simulation.contrast.model_copy(update={"random_share": 1.0})
    signals = draw_signals(rng, tissues, sequence, contrast)
    blood, wall = signals[Material.LV_BLOOD], signals[Material.NORMAL_MYOCARDIUM]
    assert abs(blood - wall) > LEAST_CONTRAST - 0.25
    if sequence is Sequence.LGE:
        assert signals[Material.SCAR] > wall - 0.05
    if sequence is Sequence.T2:
        assert min(signals[Material.SCAR], signals[Material.EDEMA]) > wall - 0.25


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_a_degraded_constant_is_still_finite(seed):
    image = degrade(
        np.random.default_rng(seed), np.full((32, 32), 3, np.float32), RECIPE.simulation.appearance
    )
    assert np.isfinite(image).all()


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, unframed=st.booleans())
def test_turns_keep_lengths_and_stretches_keep_areas(seed, unframed):
    rng = np.random.default_rng(seed)
    assert abs(np.linalg.det(drawn_turn(rng, 40.0))) == pytest.approx(1)
    assert np.prod(drawn_stretch(rng, unframed)) == pytest.approx(1)


def test_guides_without_errors_are_the_masks_themselves():
    disc = np.zeros((64, 64), np.float32)
    disc[20:44, 20:44] = 1
    ranges = RECIPE.simulation.guides.model_copy(
        update={"bend_px": 0.0, "shift_px": 0.0, "level": 0.0, "bitten_probability": 0.0}
    )
    (guide,) = misdrawn_guides(
        np.random.default_rng(0), {"lv_blood_pool": disc}, np.zeros_like(disc), ranges
    )
    differing = (guide > 0.5) != (disc > 0.5)
    assert differing.sum() <= 8  # at the corners, which are softened


def test_a_bite_takes_scar_for_blood_and_for_nothing_else():
    disc = np.zeros((64, 64), np.float32)
    disc[28:36, 28:36] = 1
    scar = np.zeros_like(disc)
    scar[36:44, 28:36] = 1
    ranges = RECIPE.simulation.guides.model_copy(
        update={"bend_px": 0.0, "shift_px": 0.0, "level": 0.0, "bitten_probability": 1.0}
    )
    shares = {"lv_blood_pool": disc, "lv_epicardium": np.maximum(disc, scar)}
    pools, walls = [], []
    for seed in range(8):
        pool, wall = misdrawn_guides(np.random.default_rng(seed), shares, scar, ranges)
        pools.append((pool > 0.5).sum())
        walls.append((wall > 0.5).sum())
    assert max(pools) > 1.2 * disc.sum()
    assert max(walls) <= (disc + scar).sum() + 8
