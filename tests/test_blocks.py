import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, Sequence, Tissue
from myoseg.block_tables import NO_ENCODER_ABLATION, PAPER, PHYSIOLOGICAL, TABLES, UNET_ABLATION
from myoseg.blocks import Architecture, Block, BlockTable, indicator, is_union
from myoseg.errors import ConfigurationError

BP, RV = Tissue.LV_BLOOD_POOL, Tissue.RV_BLOOD_POOL
NM, ME, MS = Tissue.NORMAL_MYOCARDIUM, Tissue.EDEMA, Tissue.SCAR
BSSFP, LGE, T2 = Sequence.BSSFP, Sequence.LGE, Sequence.T2
UNET = (Architecture.UNET,)
ALL_NETWORKS = {Architecture.UNET, Architecture.MASK_RCNN, Architecture.UNET_PLUS_PLUS}

# beartype looks at a random member of each tuple that a strategy builds.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")

blocks = st.builds(
    Block,
    name=st.from_regex(r"[A-Za-z0-9_+-]{1,12}", fullmatch=True),
    inputs=st.lists(st.sampled_from(list(Sequence)), min_size=1, unique=True).map(tuple),
    target=st.frozensets(st.sampled_from(list(Tissue)), min_size=1),
    networks=st.lists(st.sampled_from(list(Architecture)), min_size=1, unique=True).map(tuple),
    keep_largest=st.booleans(),
    fill_holes=st.booleans(),
)
tables = st.builds(
    BlockTable,
    name=st.text(min_size=1, max_size=8),
    blocks=st.lists(blocks, max_size=5, unique_by=lambda block: block.name.lower()).map(tuple),
    confined=st.frozensets(st.sampled_from(list(Tissue))),
)


def a_block(name: str = "any", target=frozenset({MS}), **fields) -> Block:
    return Block(name, fields.pop("inputs", (LGE,)), target, **fields)


# The tables' content


def test_the_papers_table_is_as_printed():
    rows = [(b.name, b.inputs, set(b.target), set(b.networks)) for b in PAPER.blocks]

    assert rows == [
        ("lv_blood_pool", (BSSFP,), {BP}, set(UNET)),
        ("rv_blood_pool", (BSSFP,), {RV}, set(UNET)),
        ("lv_epicardium", (BSSFP,), {BP, NM, ME, MS}, set(UNET)),
        ("lvmems", (LGE,), {ME, MS}, ALL_NETWORKS),
        ("lvms", (T2,), {MS}, ALL_NETWORKS),
    ]
    assert PAPER.confined == {ME, MS}


def test_the_physiological_table_swaps_lge_and_t2_and_nothing_else():
    swap = {BSSFP: BSSFP, LGE: T2, T2: LGE}
    swapped = [
        record | {"inputs": [str(swap[Sequence(name)]) for name in record["inputs"]]}
        for record in PAPER.to_record()["blocks"]
    ]

    assert PHYSIOLOGICAL.to_record()["blocks"] == swapped
    assert PHYSIOLOGICAL.confined == PAPER.confined


def test_both_ablations_stack_the_three_sequences_and_confine_nothing():
    for table in (UNET_ABLATION, NO_ENCODER_ABLATION):
        assert {block.inputs for block in table.blocks} == {(BSSFP, LGE, T2)}
        assert not table.confined


def test_the_unet_ablation_has_one_unet_a_tissue():
    assert [set(b.target) for b in UNET_ABLATION.blocks] == [{BP}, {RV}, {NM}, {ME}, {MS}]
    assert {block.networks for block in UNET_ABLATION.blocks} == {UNET}


def test_without_the_encoder_three_networks_vote_on_the_papers_pathology():
    rows = [(set(b.target), set(b.networks)) for b in NO_ENCODER_ABLATION.blocks]

    assert rows == [
        ({BP}, set(UNET)), ({RV}, set(UNET)), ({NM}, set(UNET)),
        ({ME, MS}, ALL_NETWORKS), ({MS}, ALL_NETWORKS),
    ]  # fmt: skip


def test_a_ring_of_normal_myocardium_keeps_its_cavity():
    (normal,) = [b for b in UNET_ABLATION.blocks if b.target == {NM}]

    assert not normal.fill_holes


def test_tables_are_found_by_their_names():
    assert set(TABLES) == {"paper", "physiological", "unet", "no_encoder"}


# Matrix and decoder


def test_the_encoders_matrix_is_the_papers_sums():
    by_column = dict(zip(Tissue, PAPER.matrix.T.tolist(), strict=True))

    assert by_column == {
        BP: [1, 0, 1, 0, 0],
        RV: [0, 1, 0, 0, 0],
        NM: [0, 0, 1, 0, 0],
        ME: [0, 0, 1, 1, 0],
        MS: [0, 0, 1, 1, 1],
    }


def test_the_decoders_coefficients_are_those_of_equation_1():
    decoder = PAPER.decoder
    weights = dict(zip(decoder.groups, decoder.weights.tolist(), strict=True))
    confinement = dict(zip(decoder.groups, decoder.confinement.tolist(), strict=True))

    assert weights == {
        frozenset({BP}): [1, 0, 0, 0, 0],
        frozenset({RV}): [0, 1, 0, 0, 0],
        frozenset({NM}): [-1, 0, 1, -1, 0],
        frozenset({ME}): [0, 0, 0, 1, -1],
        frozenset({MS}): [0, 0, 0, 0, 1],
    }
    assert confinement[frozenset({ME})] == confinement[frozenset({MS})] == [-1, 0, 1, 0, 0]
    assert not any(confinement[frozenset({t})] != [0] * 5 for t in (BP, RV, NM))


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_the_decoder_is_the_inverse_of_the_matrix(table):
    product = table.decoder.weights @ table.matrix

    np.testing.assert_allclose(product, [indicator(group) for group in table.decoder.groups])
    assert set(table.decoder.groups) == set(EACH_TISSUE)


@given(tables, st.sets(st.sampled_from(list(Sequence))))
def test_every_decoded_group_is_what_its_weights_make_of_the_targets(table, sequences):
    readable = table.restricted_to(sequences)
    try:
        decoder = readable.decoder
    except ConfigurationError:
        return
    made = decoder.weights @ readable.matrix

    np.testing.assert_allclose(made, [indicator(g) for g in decoder.groups] or made, atol=1e-6)
    assert all(not first & second for first, second in combinations(decoder.groups, 2))


def test_targets_that_overlap_undetermined_are_refused():
    table = BlockTable(
        "vague", (a_block("a", frozenset({BP, RV})), a_block("b", frozenset({RV, MS})))
    )

    with pytest.raises(ConfigurationError, match=r"'vague' cannot be decoded.*Add a block"):
        _ = table.decoder


# Restriction


@pytest.mark.parametrize(
    ("table", "present", "names"),
    [
        (PAPER, {BSSFP}, ["lv_blood_pool", "rv_blood_pool", "lv_epicardium"]),
        (PAPER, {T2}, ["lvms"]),
        (PHYSIOLOGICAL, {T2}, ["lvmems"]),
        (PHYSIOLOGICAL, {LGE, T2}, ["lvmems", "lvms"]),
        (UNET_ABLATION, {BSSFP, LGE}, []),
        (PAPER, set(), []),
    ],
)
def test_blocks_without_their_sequence_are_left_out(table, present, names):
    assert [block.name for block in table.restricted_to(present).blocks] == names


def test_with_every_sequence_the_table_is_whole():
    assert all(table.restricted_to(list(Sequence)) == table for table in TABLES.values())


def test_blocks_whose_target_is_not_labelled_are_left_out():
    without_edema = (frozenset({BP}), frozenset({RV}), frozenset({NM, ME}), frozenset({MS}))
    kept = PAPER.targeting(without_edema)

    assert [b.name for b in kept.blocks] == [
        "lv_blood_pool", "rv_blood_pool", "lv_epicardium", "lvms",
    ]  # fmt: skip
    assert PAPER.targeting(EACH_TISSUE) == PAPER
    assert PAPER.targeting(()).blocks == ()


def test_a_region_is_a_union_of_groups_or_it_is_not():
    assert is_union(MYOCARDIUM, EACH_TISSUE)
    assert is_union(MYOCARDIUM | {BP}, [MYOCARDIUM, frozenset({BP})])
    assert not is_union(frozenset({MS}), [MYOCARDIUM])
    assert not is_union(MYOCARDIUM, [frozenset({NM}), frozenset({MS})])
    assert not is_union(MYOCARDIUM, [])


# Records


@given(tables)
def test_a_table_survives_its_record_and_json(table):
    assert BlockTable.from_record(json.loads(json.dumps(table.to_record()))) == table


def test_a_short_record_gets_the_defaults():
    block = Block.from_record({"name": "scar", "inputs": ["lge"], "target": ["scar"]})

    assert block == Block("scar", (LGE,), frozenset({MS}), UNET, False, True)


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": ["cine"]}, {"target": ["fat"]}, {"networks": ["vnet"]}, {"colour": "red"},
        {"inputs": None}, {"target": [3]}, {"inputs": []}, {"target": []}, {"networks": []},
        {"inputs": ["lge", "lge"]}, {"keep_largest": "no"}, {"fill_holes": 1}, {"name": "../up"},
        {"name": ""}, {"name": 7},
    ],
    ids=str,
)  # fmt: skip
def test_a_record_that_is_no_block_is_refused(change):
    with pytest.raises(ConfigurationError, match="block"):
        Block.from_record(a_block().to_record() | change)


@pytest.mark.parametrize("missing", ["name", "inputs", "target"])
def test_a_record_without_a_field_is_refused_and_told_what_a_block_has(missing):
    record = a_block().to_record()
    del record[missing]

    with pytest.raises(ConfigurationError, match=r"bssfp, lge, t2.*scar.*unet_plus_plus"):
        Block.from_record(record)


@pytest.mark.parametrize(
    "record",
    [{}, {"name": "t"}, {"name": "t", "blocks": 5}, {"name": "t", "blocks": ["lvms"]},
     {"name": "t", "blocks": [], "confined": ["fat"]}],
    ids=str,
)  # fmt: skip
def test_a_record_that_is_no_table_is_refused(record):
    with pytest.raises(ConfigurationError):
        BlockTable.from_record(record)


def test_two_blocks_of_one_name_are_refused():
    with pytest.raises(ConfigurationError, match="two blocks alike"):
        BlockTable("t", (a_block("Scar"), a_block("scar")))
