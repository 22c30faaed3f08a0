from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, Sequence, Tissue, representative
from myoseg.block_tables import NO_ENCODER_ABLATION, PAPER, PHYSIOLOGICAL, TABLES, UNET_ABLATION
from myoseg.blocks import Block, BlockTable
from myoseg.prediction.decoder import decode_labels, decode_masks, paint

BP, RV = Tissue.LV_BLOOD_POOL, Tissue.RV_BLOOD_POOL
NM, ME, MS = Tissue.NORMAL_MYOCARDIUM, Tissue.EDEMA, Tissue.SCAR

CODES = list(product((0, 1), repeat=5))
"""The 32 binary codes: every way in which five block masks can claim a pixel."""

tables = st.sampled_from(list(TABLES.values()))
label_maps = arrays(
    np.int16,
    array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.sampled_from([0, *map(int, Tissue)]),
)


def as_masks(codes) -> np.ndarray:
    """One pixel for each code, in a row."""
    return np.array(codes, dtype=bool).T[:, np.newaxis]


def encode(labels: np.ndarray, table: BlockTable) -> np.ndarray:
    """What perfect networks would answer."""
    masks = [np.isin(labels, [int(t) for t in block.target]) for block in table.blocks]
    return np.array(masks, dtype=bool).reshape(len(masks), *labels.shape)


def cut(value: float) -> bool:
    """The paper's s(), the binary activation with threshold 0.5."""
    return value > 0.5


def equation_1(p0: int, p1: int, p2: int, p3: int, p4: int) -> dict[Tissue, bool]:
    """Equation 1 as it is printed."""
    return {
        BP: cut(p0),
        RV: cut(p1),
        NM: cut(p2 - p0 - p3),
        ME: cut(p2 - p0) and cut(p3 - p4),
        MS: cut(p2 - p0) and cut(p4),
    }


def painted_by_hand(claims: dict[Tissue, bool]) -> int:
    """The declared order: MS over ME over NM over LV BP over RV BP."""
    return next((int(tissue) for tissue in (MS, ME, NM, BP, RV) if claims[tissue]), 0)


@pytest.mark.parametrize("table", [PAPER, PHYSIOLOGICAL], ids=lambda table: table.name)
def test_all_32_codes_decode_as_equation_1_says(table):
    claimed = decode_masks(as_masks(CODES), table.decoder)[:, 0]

    for index, code in enumerate(CODES):
        by_group = dict(zip(table.decoder.groups, claimed[:, index], strict=True))
        assert {t: bool(by_group[frozenset({t})]) for t in Tissue} == equation_1(*code), code


@pytest.mark.parametrize("table", [PAPER, PHYSIOLOGICAL], ids=lambda table: table.name)
def test_all_32_codes_are_painted_in_the_declared_order(table):
    labels = decode_labels(as_masks(CODES), table.decoder)[0]

    assert labels.tolist() == [painted_by_hand(equation_1(*code)) for code in CODES]


def test_13_of_the_32_codes_claim_more_than_one_tissue():
    n_claims = decode_masks(as_masks(CODES), PAPER.decoder).sum(axis=0)

    assert np.count_nonzero(n_claims > 1) == 13


def test_scar_outside_the_edema_and_scar_mask_is_scar_and_not_normal():
    code = (0, 0, 1, 0, 1)
    assert equation_1(*code) == {BP: False, RV: False, NM: True, ME: False, MS: True}

    assert decode_labels(as_masks([code]), PAPER.decoder).tolist() == [[2221]]


def test_pathology_outside_the_myocardium_is_background():
    outside, in_the_pool = (0, 0, 0, 1, 1), (1, 0, 1, 1, 1)

    assert decode_labels(as_masks([outside, in_the_pool]), PAPER.decoder).tolist() == [[0, 500]]


@given(label_maps, tables)
def test_decoder_inverts_encoder(labels, table):
    np.testing.assert_array_equal(decode_labels(encode(labels, table), table.decoder), labels)


@given(label_maps, tables, st.sets(st.sampled_from(list(Sequence))))
def test_with_sequences_missing_the_decoder_inverts_the_encoder_up_to_groups(
    labels, table, sequences
):
    readable = table.restricted_to(sequences)
    code_of = {t: int(representative(g)) for g in readable.decoder.groups for t in g}

    decoded = decode_labels(encode(labels, readable), readable.decoder)

    expected = [[code_of.get(code, 0) for code in row] for row in labels.tolist()]
    np.testing.assert_array_equal(decoded, np.array(expected, dtype=np.int16))


@given(arrays(bool, (5, 4, 4)), tables)
def test_whatever_the_blocks_say_a_pixel_has_one_code(masks, table):
    assert set(np.unique(decode_labels(masks, table.decoder))) <= {0, *map(int, Tissue)}


def test_the_unet_ablation_takes_each_mask_as_it_is():
    claimed = decode_masks(as_masks(CODES), UNET_ABLATION.decoder)[:, 0]

    assert UNET_ABLATION.decoder.groups == EACH_TISSUE
    blocks_in_tissue_order = [2, 0, 1, 3, 4]
    expected = np.array(CODES, dtype=bool).T[blocks_in_tissue_order]
    np.testing.assert_array_equal(claimed, expected)


def test_without_the_encoder_only_edema_is_a_difference():
    claimed = decode_masks(as_masks(CODES), NO_ENCODER_ABLATION.decoder)[:, 0]

    by_group = dict(zip(NO_ENCODER_ABLATION.decoder.groups, claimed, strict=True))
    for index, (pool, right, normal, edema_and_scar, scar) in enumerate(CODES):
        assert {t: bool(by_group[frozenset({t})][index]) for t in Tissue} == {
            BP: bool(pool), RV: bool(right), NM: bool(normal), MS: bool(scar),
            ME: cut(edema_and_scar - scar),
        }  # fmt: skip


def test_the_ablations_confine_nothing():
    assert not UNET_ABLATION.decoder.confinement.any()
    assert not NO_ENCODER_ABLATION.decoder.confinement.any()


def test_bssfp_alone_finds_the_pools_and_one_myocardium():
    decoder = PAPER.restricted_to([Sequence.BSSFP]).decoder
    pool, right, wall = (1, 0, 1), (0, 1, 0), (0, 0, 1)

    assert set(decoder.groups) == {frozenset({BP}), frozenset({RV}), MYOCARDIUM}
    assert decode_labels(as_masks([pool, right, wall]), decoder).tolist() == [[500, 600, 200]]


def test_without_t2_edema_is_not_told_from_normal_myocardium():
    decoder = PHYSIOLOGICAL.restricted_to([Sequence.BSSFP, Sequence.LGE]).decoder
    wall, scar, scar_outside = (0, 0, 1, 0), (0, 0, 1, 1), (0, 0, 0, 1)

    assert set(decoder.groups) == {*map(frozenset, ({BP}, {RV}, {NM, ME}, {MS}))}
    assert decode_labels(as_masks([wall, scar, scar_outside]), decoder).tolist() == [[200, 2221, 0]]


def test_t2_alone_finds_one_region_unconfined():
    decoder = PHYSIOLOGICAL.restricted_to([Sequence.T2]).decoder

    assert decoder.groups == (frozenset({ME, MS}),)
    assert decode_labels(as_masks([(0,), (1,)]), decoder).tolist() == [[0, 1220]]


def test_without_any_block_everything_is_background():
    decoder = PAPER.restricted_to([]).decoder

    assert decoder.groups == ()
    assert decode_labels(np.zeros((0, 2, 3), dtype=bool), decoder).tolist() == [[0, 0, 0]] * 2


def test_empty_masks_are_background():
    assert not decode_labels(np.zeros((5, 4, 4), dtype=bool), PAPER.decoder).any()


def test_paint_order_does_not_follow_the_order_of_the_groups():
    masks = np.ones((2, 1, 1), dtype=bool)

    assert paint(masks, (frozenset({MS}), frozenset({RV}))).tolist() == [[2221]]
    assert paint(masks, (frozenset({RV}), frozenset({MS}))).tolist() == [[2221]]


def test_another_number_of_masks_than_blocks_is_refused():
    with pytest.raises(ValueError, match="5 blocks but 4 masks"):
        decode_masks(np.zeros((4, 2, 2), dtype=bool), PAPER.decoder)


def test_a_table_of_ones_own_decodes_by_its_inverse():
    def block(name: str, *target: Tissue) -> Block:
        return Block(name, (Sequence.LGE,), frozenset(target))

    table = BlockTable(
        "pairs", (block("a", BP, RV), block("b", RV, MS), block("c", BP, MS), block("d", NM, ME))
    )
    labels = np.array([[0, 200, 500, 600, 1220, 2221]], dtype=np.int16)

    decoded = decode_labels(encode(labels, table), table.decoder)

    assert decoded.tolist() == [[0, 200, 500, 600, 200, 2221]]


@pytest.mark.parametrize("most_looked_up", [0, 12])
@given(
    masks=arrays(bool, st.tuples(st.just(5), st.integers(0, 6), st.integers(1, 6))), table=tables
)
def test_looking_codes_up_is_equation_1_and_the_paint_order_at_each_pixel(
    most_looked_up, masks, table
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("myoseg.prediction.decoder._MOST_BLOCKS_LOOKED_UP", most_looked_up)
        decoded = decode_labels(masks, table.decoder)

    claimed = decode_masks(masks, table.decoder)
    np.testing.assert_array_equal(decoded, paint(claimed, table.decoder.groups))
