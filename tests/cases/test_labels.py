from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import CONSECUTIVE_CODES, EACH_TISSUE, MYOCARDIUM, Sequence, Tissue
from myoseg.cases.labels import (
    ACDC,
    AUTOFD,
    CARE,
    CODINGS,
    CONSECUTIVE,
    EMIDEC,
    MS_CMRSEG,
    MYOPS,
    coding_named,
    consecutive_codes,
    decode_labels,
    first_covering,
    guess_coding,
    sizes,
)
from myoseg.errors import InputError

PATH = Path("case101_gd.nii.gz")
NM, BP, RV, ME, MS = (frozenset({tissue}) for tissue in Tissue)


def volume(*values: float, dtype: str = "int16") -> np.ndarray:
    return np.array([[values]], dtype=dtype)


@given(
    values=st.lists(st.sampled_from([0, *CONSECUTIVE_CODES.values()]), min_size=1, max_size=30),
    dtype=st.sampled_from(["uint8", "int64", "float32", ">i2"]),
)
def test_consecutive_codes_survive_decoding_and_encoding(values, dtype):
    labels = decode_labels(volume(*values, dtype=dtype), CONSECUTIVE, PATH)
    assert consecutive_codes(labels.codes).ravel().tolist() == values


@given(st.sampled_from(list(CODINGS.values())), st.data())
def test_every_voxel_keeps_the_group_that_its_value_means(coding, data):
    values = data.draw(st.lists(st.sampled_from([0, *coding.meanings]), min_size=1, max_size=30))
    labels = decode_labels(volume(*values), coding, PATH)
    for group in labels.groups:
        expected = [coding.meanings.get(value) == group for value in values]
        assert labels.mask(group).ravel().tolist() == expected


@given(st.sampled_from(list(CODINGS.values())), st.sets(st.sampled_from(list(Sequence))))
def test_groups_of_any_coding_are_disjoint(coding, sequences):
    tissues = [tissue for group in coding.given(sequences).groups for tissue in group]
    assert len(tissues) == len(set(tissues))


@pytest.mark.parametrize(
    ("coding", "groups"),
    [
        (MYOPS, EACH_TISSUE),
        (CONSECUTIVE, EACH_TISSUE),
        (MS_CMRSEG, (MYOCARDIUM, BP, RV)),
        (ACDC, (MYOCARDIUM, BP, RV)),
        (AUTOFD, (MYOCARDIUM, BP, RV)),
        (EMIDEC, (NM | ME, BP, MS)),
        (CARE.given([Sequence.T2]), EACH_TISSUE),
        (CARE.given([Sequence.LGE]), (NM | ME, BP, RV, MS)),
    ],
)
def test_each_data_set_tells_its_own_tissues_apart(coding, groups):
    assert coding.groups == groups


def test_emidec_by_hand():
    labels = decode_labels(volume(0, 1, 2, 3, 4), EMIDEC, PATH)
    assert labels.codes.ravel().tolist() == [0, 500, 200, 2221, 2221]
    assert labels.codes.dtype == np.int16
    assert not labels.assesses(RV)
    assert not labels.assesses(ME)
    assert labels.assesses(MYOCARDIUM)
    assert sizes(labels) == {NM | ME: 1, BP: 1, MS: 2}


def test_care_reads_one_as_scar_and_edema_only_beside_a_t2():
    values = volume(200, 1, 2221, 1220)
    assert decode_labels(values, CARE, PATH).codes.ravel().tolist() == [200, 2221, 2221, 1220]
    without_t2 = decode_labels(values, CARE.given([Sequence.LGE, Sequence.BSSFP]), PATH)
    assert without_t2.codes.ravel().tolist() == [200, 2221, 2221, 200]
    assert not without_t2.assesses(ME)


def test_an_empty_label_volume_is_no_error():
    labels = decode_labels(np.zeros((2, 3, 4), np.int16), MYOPS, PATH)
    assert not labels.codes.any()
    assert labels.groups == EACH_TISSUE


def test_unknown_values_are_counted_and_named_with_a_remedy():
    with pytest.raises(
        InputError, match=r"case101_gd.*7 \(2 voxels\), 300 \(1 voxels\).*myops.*correct"
    ):
        decode_labels(volume(7, 7, 300, 200), MYOPS, PATH)
    with pytest.raises(InputError, match="and 12 further values"):
        decode_labels(volume(*range(1, 21)), MYOPS, PATH)


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf, 1e20])
def test_values_that_are_not_whole_are_refused(value):
    with pytest.raises(InputError, match="not whole"):
        decode_labels(volume(200, value, dtype="float32"), MYOPS, PATH)


@pytest.mark.parametrize(
    ("values", "coding"),
    [
        ([0, 200, 500, 600, 1220, 2221], MYOPS),
        ([0, 200, 500, 600], MYOPS),
        ([2221], MYOPS),
        ([], MYOPS),
        ([0], MYOPS),
        ([0, 1, 2, 3, 4, 5], CONSECUTIVE),
        ([5], CONSECUTIVE),
    ],
)
def test_codes_that_show_themselves_are_guessed(values, coding):
    assert guess_coding(values) is coding


@pytest.mark.parametrize("values", [[0, 1, 2, 3], [0, 1, 2, 3, 4], [1], [1, 2, 4]])
def test_ambiguous_codes_are_not_guessed(values):
    with pytest.raises(InputError, match=r"emidec.*--coding"):
        guess_coding(values)


def test_codes_of_no_data_set_are_refused():
    with pytest.raises(InputError, match="values 9 fit no known coding"):
        guess_coding([9])


def test_codings_have_names():
    assert coding_named("acdc") is ACDC
    with pytest.raises(InputError, match="choose from myops, consecutive"):
        coding_named("brats")


def test_the_first_coding_that_knows_all_values_is_the_files():
    assert first_covering((MYOPS, CONSECUTIVE), volume(1, 2)) is CONSECUTIVE
    assert first_covering((MYOPS, CONSECUTIVE), volume(0, 0)) is MYOPS
    assert first_covering((MYOPS, CONSECUTIVE), volume(77)) is MYOPS
