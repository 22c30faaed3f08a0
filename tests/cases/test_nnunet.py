import json
from pathlib import Path

import pytest

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, Sequence, Tissue
from myoseg.cases.layouts import find_cases
from myoseg.cases.nnunet import dataset_record, nnunet_layout
from myoseg.errors import InputError

NM, BP, RV, ME, MS = (frozenset({tissue}) for tissue in Tissue)
CHANNELS = {"0": "bSSFP", "1": "LGE", "2": "T2"}


def describe(
    folder: Path, labels: object, channels: object = None, key: str = "channel_names"
) -> Path:
    path = folder / "dataset.json"
    path.write_text(json.dumps({key: CHANNELS if channels is None else channels, "labels": labels}))
    return path


def meanings(folder: Path, labels: dict) -> dict:
    return dict(nnunet_layout(describe(folder, labels)).codings[0].meanings)


def test_cases_channels_and_roles_are_found(tmp_path):
    describe(tmp_path, {"background": 0, "scar": 1})
    for name in ("imagesTr/a_b_0000", "imagesTr/a_b_0002", "imagesTs/c_0001", "labelsTr/a_b"):
        path = tmp_path / f"{name}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    train, test = find_cases(tmp_path)
    assert (train.layout, train.name, train.role) == ("nnunet", "a_b", "train")
    assert set(train.images) == {Sequence.BSSFP, Sequence.T2}
    assert train.labels == tmp_path / "labelsTr" / "a_b.nii.gz"
    assert (test.name, test.role, set(test.images)) == ("c", "test", {Sequence.LGE})


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"background": 0, "LV": 1, "RV": 2, "Normal myocardium": 3, "Edema": 4, "Scar": 5},
         {1: BP, 2: RV, 3: NM, 4: ME, 5: MS}),
        ({"0": "background", "1": "LV cavity", "2": "myocardium"}, {1: BP, 2: MYOCARDIUM}),
        ({"background": 0, "myocardium": 2, "infarct": 3, "no-reflow": 4},
         {2: NM | ME, 3: MS, 4: MS}),
        ({"background": 0, "normal_myocardium": 1, "scar": 2}, {1: NM | ME, 2: MS}),
        ({"background": 0, "normal_myocardium": 1, "edema": 2}, {1: NM, 2: ME | MS}),
        ({"background": 0, "normal_myocardium+edema": 1, "scar": 2, "ignore": 3},
         {1: NM | ME, 2: MS}),
        ({"background": 0}, {}),
    ],
)  # fmt: skip
def test_labels_are_known_by_name(tmp_path, labels, expected):
    assert meanings(tmp_path, labels) == expected


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        ({"background": 0, "heart": 1}, "'heart', which is not known as a tissue"),
        ({"background": 0, "whole": [1, 2]}, "'whole' as a region of several labels"),
        ({"background": 0, "scar": "x"}, "the value 'x'"),
        (
            {"background": 0, "epicardium": 1, "edema+scar": 2, "lv": 3, "edema": 4, "scar": 5},
            "overlap",
        ),
        (["scar"], "lacks channel_names and labels"),
    ],
)
def test_labels_that_say_no_tissue_are_refused(tmp_path, labels, fault):
    with pytest.raises(InputError, match=rf"dataset\.json.*{fault}"):
        nnunet_layout(describe(tmp_path, labels))


def test_the_first_versions_modality_and_longer_channel_names_are_understood(tmp_path):
    path = describe(tmp_path, {}, {"0": "cine_bSSFP", "1": "T2-STIR"}, key="modality")
    assert dict(nnunet_layout(path).sequences) == {"0000": Sequence.BSSFP, "0001": Sequence.T2}


def test_unknown_channels_missing_and_broken_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="channel 'CT'"):
        nnunet_layout(describe(tmp_path, {}, {"0": "CT"}))
    (tmp_path / "dataset.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as JSON"):
        nnunet_layout(tmp_path / "dataset.json")
    (tmp_path / "dataset.json").unlink()
    with pytest.raises(InputError, match="does not exist"):
        find_cases(tmp_path, "nnunet")


@pytest.mark.parametrize("groups", [EACH_TISSUE, (NM | ME, BP, MS), (MYOCARDIUM, BP, RV)])
def test_what_is_written_is_read_back(tmp_path, groups):
    record = dataset_record([Sequence.LGE], groups, n_training=3)
    (tmp_path / "dataset.json").write_text(json.dumps(record))
    layout = nnunet_layout(tmp_path / "dataset.json")
    assert list(layout.codings[0].meanings.values()) == list(groups)
    assert dict(layout.sequences) == {"0000": Sequence.LGE}
