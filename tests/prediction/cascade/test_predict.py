from dataclasses import replace

import numpy as np
import pytest

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue
from myoseg.block_tables import CASCADE
from myoseg.cases.case import Case, Geometry
from myoseg.errors import ConfigurationError
from myoseg.networks.stage import Stage
from myoseg.prediction.cascade.anatomy import AnatomyRules
from myoseg.prediction.cascade.model import CascadeModel
from myoseg.prediction.cascade.predict import Procedure, StageModel, predict_blocks, stage_input
from myoseg.prediction.cascade.votes import ALL_VIEWS
from myoseg.prediction.segment import segment
from myoseg.slices.framing import Frame

ANATOMY = Stage("anatomy", CASCADE.blocks[:3], 64, 0.4, (4, 8))
PATHOLOGY = Stage("pathology", CASCADE.blocks[3:], 64, 0.6, (4, 8))
SHAPE = (3, 90, 110)
CENTRE, POOL_PX, WALL_PX = (40, 60), 8, 14


def bright_is_blood(images):
    """Blood pool where a slice is brightest, epicardium where it is not dark, never an RV."""
    seen = images.max(axis=1)
    level = seen / seen.max(axis=(1, 2), keepdims=True).clip(min=1e-3)
    masks = [level > 0.75, np.zeros_like(level, dtype=bool), level > 0.25]
    return np.stack(masks, axis=1).astype(np.float32)


def scar_on_the_left(images):
    """Disease wherever the guides say wall, in the left half of the square."""
    pool, epicardium = images[:, 2], images[:, 4]
    wall = (epicardium > 0.5) & (pool <= 0.5)
    wall[..., images.shape[-1] // 2 :] = False
    return np.stack([wall, wall], axis=1).astype(np.float32)


def rings():
    rows, cols = np.indices(SHAPE[1:])
    distance = np.hypot(rows - CENTRE[0], cols - CENTRE[1])
    image = np.where(distance <= POOL_PX, 1.0, np.where(distance <= WALL_PX, 0.5, 0.0))
    return np.repeat(image[None].astype(np.float32), SHAPE[0], axis=0)


def case_of(*sequences, image=None):
    image = rings() if image is None else image
    return Case("a", dict.fromkeys(sequences, image), Geometry(SHAPE, np.diag([1.0, 1, 10, 1])))


def model_of(n_disease_looks=2, **options):
    stages = (StageModel(ANATOMY, bright_is_blood), StageModel(PATHOLOGY, scar_on_the_left))
    one_view = Procedure(views=((0, False),), n_disease_looks=n_disease_looks)
    return CascadeModel(CASCADE, stages, procedure=one_view, **options)


def dice(found, true):
    return 2 * (found & true).sum() / (found.sum() + true.sum())


@pytest.mark.parametrize("sequence", list(Sequence))
def test_anatomy_is_found_at_its_place_from_any_one_sequence(sequence):
    labels = segment(case_of(sequence), model_of()).labels
    assert dice(labels.codes == Tissue.LV_BLOOD_POOL, rings() == 1.0) > 0.95
    assert dice(labels.codes > 0, rings() > 0) > 0.95


def test_disease_is_found_inside_the_wall_that_guides_it():
    labels = segment(case_of(*Sequence), model_of()).labels
    wall, scar = rings() == 0.5, labels.mask(frozenset({Tissue.SCAR}))
    left = np.arange(SHAPE[2]) < CENTRE[1]
    assert labels.not_assessed == ()
    assert dice(scar, wall & left) > 0.85
    assert not labels.mask(frozenset({Tissue.EDEMA})).any()


def test_a_block_whose_sequence_is_missing_is_not_assessed():
    """LGE alone tells scar and not edema; bSSFP alone the wall as a whole."""
    assert "scar" not in segment(case_of(Sequence.LGE), model_of()).labels.not_assessed
    assert "edema" in segment(case_of(Sequence.LGE), model_of()).labels.not_assessed
    labels = segment(case_of(Sequence.BSSFP), model_of()).labels
    assert MYOCARDIUM in labels.groups
    assert "scar" in labels.not_assessed


def test_an_empty_scan_has_no_heart_and_no_scar_and_is_flagged():
    found = segment(case_of(*Sequence, image=np.zeros(SHAPE, np.float32)), model_of())
    assert not found.labels.codes.any()
    assert found.quality.confidence == 0
    assert "no heart" in found.quality.warning


def test_contours_drawn_by_hand_stay_as_they_are_drawn():
    """Two islands and a hole, which clean-up would remove; they guide, and are not judged."""
    pool = np.zeros(SHAPE, np.float32)
    pool[:, 30:34, 50:54] = pool[:, 45:47, 65:67] = 1
    epicardium = np.zeros(SHAPE, np.float32)
    epicardium[:, 25:52, 45:75] = 1
    epicardium[:, 40, 60] = 0
    given = {"lv_blood_pool": pool, "lv_epicardium": epicardium}
    found = segment(case_of(Sequence.LGE), model_of().with_given(given))
    assert (found.labels.mask(frozenset({Tissue.LV_BLOOD_POOL})) == (pool > 0)).all()
    assert ((found.labels.codes > 0) == (epicardium > 0)).all()
    assert set(found.quality.expected_dice) == {"rv_blood_pool", "lvms"}


def test_a_heart_that_the_whole_slice_hides_is_found_at_the_second_look():
    """The network sees nothing in the first view, as of a heart that is too small there."""

    class Nearsighted:
        asked = 0

        def __call__(self, images):
            self.asked += 1
            return bright_is_blood(images) * (self.asked > 1)

    def epicardium_of(procedure):
        stages = (StageModel(ANATOMY, Nearsighted()),)
        case = case_of(Sequence.BSSFP)
        table = CASCADE.restricted_to(case.sequences)
        found = predict_blocks(case, table, stages, procedure=procedure)
        return found.mean["lv_epicardium"] > 0.5

    one_view = ((0, False),)
    assert dice(epicardium_of(Procedure(views=one_view)), rings() > 0) > 0.9
    assert not epicardium_of(Procedure(views=one_view, second_looks=())).any()


def test_four_views_are_asked_only_in_the_frames_that_show_most_on_one():
    class Counting:
        def __init__(self, blind):
            self.asked, self.blind = 0, blind

        def __call__(self, images):
            self.asked += 1
            return bright_is_blood(images) * (self.asked > self.blind)

    case, how = case_of(Sequence.BSSFP), Procedure(views=((0, False),), n_reframings=0)
    table = CASCADE.restricted_to(case.sequences)
    n_looks, n_last = len(how.second_looks), 1  # the first of them is the whole, seen already
    for blind, asked in [
        (0, 1 + n_last),
        (1, n_looks + 4 * how.n_confirmed + n_last),
        (n_looks, n_looks + 4 * n_looks + n_last),
    ]:
        network = Counting(blind)
        predict_blocks(case, table, (StageModel(ANATOMY, network),), procedure=how)
        assert network.asked == asked


@pytest.mark.parametrize(
    ("n_slices", "seen_in", "asked_in"),
    [
        (8, range(8), {8: 1 + 2 + 1, 4: 6 + 4 * 2}),
        (8, [3], {8: 6 + 4 * 2 + 2 + 1, 4: 6 + 4 * 6}),
        (6, range(6), {6: 6 + 4 * 2 + 2 + 1}),
    ],
)
def test_the_second_look_is_at_every_other_slice_if_those_are_enough(n_slices, seen_in, asked_in):
    """In all if those are few, or show nothing; the first look sees nothing at all."""
    asked = []

    def in_some(images):
        asked.append(len(images))
        return bright_is_blood(images) * (len(asked) > 1)

    image = np.repeat(rings()[:1], n_slices, axis=0)
    image[[k for k in range(n_slices) if k not in seen_in]] = 0
    case = Case("a", {Sequence.BSSFP: image}, Geometry(image.shape, np.diag([1.0, 1, 10, 1])))
    how, table = Procedure(views=((0, False),)), CASCADE.restricted_to(case.sequences)
    found = predict_blocks(case, table, (StageModel(ANATOMY, in_some),), procedure=how)
    assert {n: asked.count(n) for n in set(asked)} == asked_in
    shown = found.mean["lv_epicardium"].max(axis=(1, 2)) > 0.5
    assert shown.nonzero()[0].tolist() == list(seen_in)


def test_a_false_trace_at_the_first_look_does_not_keep_all_slices_from_being_asked():
    """The heart is in slices 3 and 5 of 8; one view of the whole shows a spot in slice 1 alone."""
    image = np.repeat(rings()[:1], 8, axis=0)
    image[[0, 1, 2, 4, 6, 7]] = 0
    n_asked = 0

    def deceived_at_first(images):
        nonlocal n_asked
        n_asked += 1
        if n_asked > 1:
            return bright_is_blood(images)
        spot = np.zeros((len(images), 3, 64, 64), np.float32)
        spot[1, 2, 10:14, 10:14] = 0.9
        return spot

    case = Case("a", {Sequence.BSSFP: image}, Geometry(image.shape, np.diag([1.0, 1, 10, 1])))
    how, table = Procedure(views=((0, False),)), CASCADE.restricted_to(case.sequences)
    found = predict_blocks(case, table, (StageModel(ANATOMY, deceived_at_first),), procedure=how)
    shown = found.mean["lv_epicardium"].max(axis=(1, 2)) > 0.5
    assert shown.nonzero()[0].tolist() == [3, 5]


def test_a_heart_that_only_four_views_show_is_not_hidden_by_a_false_trace_in_another_frame():
    """One frame shows something on one view and nothing on four; the heart needs four views."""

    class Deceived:
        asked = 0

        def __call__(self, images):
            self.asked += 1
            n_looks = len(Procedure().second_looks)
            is_trace = self.asked == n_looks - 1
            is_confirmed = n_looks < self.asked <= n_looks + 4
            sees = is_trace or (self.asked > n_looks and not is_confirmed)
            return bright_is_blood(images) * sees

    case = case_of(Sequence.BSSFP)
    table = CASCADE.restricted_to(case.sequences)
    how = Procedure(views=((0, False),))
    found = predict_blocks(case, table, (StageModel(ANATOMY, Deceived()),), procedure=how)
    assert dice(found.mean["lv_epicardium"] > 0.5, rings() > 0) > 0.9


def test_a_procedure_that_never_looks_for_disease_is_refused():
    with pytest.raises(ConfigurationError, match="at least once, not 0 times"):
        Procedure(n_disease_looks=0)


@pytest.mark.parametrize("step", [0, -2])
def test_a_search_in_no_slices_is_refused(step):
    with pytest.raises(ConfigurationError, match=rf"every slice \(1\) or in fewer, not {step}"):
        Procedure(search_step=step)


@pytest.mark.parametrize("scales", [(), (1.0, 0.0), (-1.0,), (np.nan,), (1.0, np.inf)])
def test_a_procedure_that_shows_the_heart_at_no_scale_is_refused(scales):
    with pytest.raises(ConfigurationError, match="scales must be positive"):
        Procedure(scales=scales)


@pytest.mark.parametrize(("n_views", "shares"), [(4, (0.86, 1.16)), (1, (1.0,)), (3, (1.0,))])
def test_the_last_views_are_dealt_out_among_the_scales(n_views, shares):
    class Watching:
        widths = ()

        def __call__(self, images):
            found = bright_is_blood(images)
            self.widths += (float(np.sqrt(found[0, 2].sum() * 4 / np.pi)),)
            return found

    network = Watching()
    case, views = case_of(Sequence.BSSFP), ALL_VIEWS[:n_views]
    table = CASCADE.restricted_to(case.sequences)
    predict_blocks(case, table, (StageModel(ANATOMY, network),), procedure=Procedure(views=views))
    last = network.widths[-n_views:]
    wanted = np.repeat(shares, n_views // len(shares)) * ANATOMY.heart_share * ANATOMY.size_px
    assert last == pytest.approx(wanted, rel=0.06)


def test_a_slice_that_the_network_overlooks_is_seen_by_what_lies_beside_it():
    """Nothing is found in the last slice, but it is doubted, where its neighbour is sure."""

    def overlooking(images):
        found = bright_is_blood(images)
        found[-1] *= 0.42
        return found

    def last_slice(**options):
        how = Procedure(views=((0, False),), **options)
        model = CascadeModel(CASCADE, (StageModel(ANATOMY, overlooking),), procedure=how)
        return segment(case_of(Sequence.BSSFP), model).labels.codes[-1] > 0

    assert dice(last_slice(), rings()[-1] > 0) > 0.9
    assert not last_slice(anatomy=AnatomyRules(neighbour=0.0, odds=1.0)).any()


def test_the_input_holds_what_is_read_and_zeros_for_the_rest():
    case = case_of(Sequence.BSSFP, Sequence.LGE)
    frame = Frame(64, (40.0, 60.0), (1.0, 1.0))
    anatomy = stage_input(case, ANATOMY, frame, {})
    assert anatomy.shape == (3, 3, 64, 64)
    assert anatomy[:, 0].any()
    assert not anatomy[:, 1:].any()
    pathology = stage_input(
        case, PATHOLOGY, frame, {"lv_epicardium": (rings() > 0) * np.float32(1)}
    )
    assert pathology[:, 0].any()
    assert not pathology[:, 1:4].any()
    assert (pathology[:, 4].min(), pathology[:, 4].max()) == (0, 1)


def test_padding_of_one_sequence_takes_no_contrast_from_what_was_measured():
    """Grey air as of a phase-sensitive LGE, of which only that sequence was filled up."""
    image = 5 + rings() + np.random.default_rng(0).normal(0, 0.01, SHAPE).astype(np.float32)
    filled = image.copy()
    filled[:, :12], filled[:, :, -12:] = 0, 0
    images = {Sequence.LGE: filled, Sequence.T2: image}
    case = replace(case_of(), images=images)
    frame = Frame.of_all(SHAPE[1:], (1.0, 1.0), 64)
    shown = stage_input(case, PATHOLOGY, frame, {})
    assert shown[:, 0].std() == pytest.approx(shown[:, 1].std(), rel=0.3)
    assert np.ptp(shown[:, 0, 20:40, 20:40]) > 0.8


def test_blocks_that_are_asked_for_bring_those_that_guide_them():
    kept = model_of().with_blocks(["lvms"]).table.blocks
    assert [block.name for block in kept] == [
        "lv_blood_pool",
        "rv_blood_pool",
        "lv_epicardium",
        "lvms",
    ]


def scar_in_the_pools_rim(images):
    """Disease where the guides say blood, from 5 pixels before the wall on, in the left half."""
    rows, cols = np.indices(images.shape[-2:])
    masks = []
    for pool in images[:, 2] > 0.5:
        scar = np.zeros(pool.shape, dtype=bool)
        if pool.any():
            inside = np.argwhere(pool)
            middle = (inside.min(axis=0) + inside.max(axis=0)) / 2
            radius = np.sqrt(pool.sum() / np.pi)
            away = np.hypot(rows - middle[0], cols - middle[1])
            scar = (away > 0.6 * radius) & (away < 1.3 * radius) & (cols < middle[1])
        masks.append(scar)
    return np.stack([masks, masks], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("sequences", "is_told"),
    [((Sequence.LGE,), True), (tuple(Sequence), False), ((Sequence.LGE, Sequence.T2), True)],
)
def test_scar_taken_for_blood_is_scar_where_the_pool_was_read_from_LGE(sequences, is_told):
    stages = (StageModel(ANATOMY, bright_is_blood), StageModel(PATHOLOGY, scar_in_the_pools_rim))
    model = replace(model_of(n_disease_looks=1), stages=stages)
    labels = segment(case_of(*sequences), model).labels
    rows, cols = np.indices(SHAPE[1:])
    rim = (rings() == 1.0) & (np.hypot(rows - CENTRE[0], cols - CENTRE[1]) > 0.75 * POOL_PX)
    bitten = rim & (cols < CENTRE[1] - 2)
    found = labels.mask(frozenset({Tissue.SCAR}))[bitten].mean()
    assert found > 0.8 if is_told else found < 0.2
    epicardium = labels.mask(MYOCARDIUM | {Tissue.LV_BLOOD_POOL})
    assert dice(epicardium, rings() > 0) > 0.95


@pytest.mark.parametrize(
    ("sequences", "by_hand", "looks"),
    [
        ((Sequence.LGE,), False, 2),
        ((Sequence.LGE, Sequence.T2), False, 2),
        ((Sequence.LGE,), True, 1),
        ((Sequence.BSSFP, Sequence.LGE), False, 1),
        ((Sequence.T2,), False, 1),
    ],
)
def test_disease_is_looked_for_again_in_a_wall_that_its_scar_has_changed(sequences, by_hand, looks):
    asked = []

    def recording(images):
        asked.append(images)
        return scar_in_the_pools_rim(images)

    stages = (StageModel(ANATOMY, bright_is_blood), StageModel(PATHOLOGY, recording))
    drawn = {"lv_blood_pool": rings() == 1.0, "lv_epicardium": rings() > 0}
    given = {name: mask.astype(np.float32) for name, mask in drawn.items()} if by_hand else {}
    found = segment(case_of(*sequences), replace(model_of(given=given), stages=stages))
    assert len(asked) == looks
    if looks == 2:
        pools = [images[:, 2] for images in asked]
        scar = scar_in_the_pools_rim(asked[0])[:, 1] > 0
        assert pools[0][scar].max() > 0.9
        assert pools[1][scar].max() < 0.5
        assert np.abs(pools[1] - pools[0])[~scar].mean() < 0.01
        assert found.probabilities["lvms"].max() > 0.9


def test_scar_takes_nothing_from_a_pool_that_was_drawn_by_hand():
    stages = (StageModel(ANATOMY, bright_is_blood), StageModel(PATHOLOGY, scar_in_the_pools_rim))
    pool, epicardium = rings() == 1.0, rings() > 0
    given = {"lv_blood_pool": pool.astype(np.float32), "lv_epicardium": epicardium.astype("f4")}
    model = replace(model_of(given=given), stages=stages)
    labels = segment(case_of(Sequence.LGE), model).labels
    assert (labels.mask(frozenset({Tissue.LV_BLOOD_POOL})) == pool).all()


def test_scar_in_the_middle_of_the_pool_stays_blood():
    def scar_in_the_middle(images):
        middle = np.zeros(images.shape[-2:], dtype=bool)
        for pool in images[:, 2] > 0.5:
            if pool.any():
                row, col = np.argwhere(pool).mean(axis=0).round().astype(int)
                middle[row - 1 : row + 2, col - 1 : col + 2] = True
        masks = np.broadcast_to(middle, (len(images), 2, *middle.shape))
        return masks.astype(np.float32)

    stages = (StageModel(ANATOMY, bright_is_blood), StageModel(PATHOLOGY, scar_in_the_middle))
    labels = segment(case_of(Sequence.LGE), replace(model_of(), stages=stages)).labels
    assert not labels.mask(frozenset({Tissue.SCAR})).any()
