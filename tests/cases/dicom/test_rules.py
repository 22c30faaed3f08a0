from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myoseg.anatomy import Sequence
from myoseg.cases.dicom.candidates import Candidate
from myoseg.cases.dicom.frames import Protocol
from myoseg.cases.dicom.rules import RULES, SHUT_OUT, judge
from myoseg.cases.dicom.stacks import build_stacks
from myoseg.cases.dicom.view import LONG_AXIS, View, off_axis_deg, view_of

SHORT_AXIS = (0.70710678, 0.70710678, 0.0, -0.40824829, 0.40824829, -0.81649658)
FOUR_CHAMBER = (0.61237244, -0.61237244, -0.5, 0.70710678, 0.70710678, 0.0)
TRANSVERSE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@pytest.fixture
def candidate(frame):
    """candidate(n_slices, n_phases, orientation, known of frames, **protocol)."""

    def make(n_slices=6, n_phases=1, orientation=SHORT_AXIS, known=None, **protocol):
        normal = np.cross(orientation[:3], orientation[3:])
        told = Protocol(
            **{"series_number": 7, "image_type": ("ORIGINAL", "PRIMARY", "M"), **protocol}
        )
        frames = [
            frame(
                normal * 10 * k,
                orientation,
                protocol=told,
                trigger_ms=30.0 * phase if n_phases > 1 else None,
                **(known or {}),
            )
            for k in range(n_slices)
            for phase in range(n_phases)
        ]
        (stack,) = build_stacks(frames)
        return Candidate(stack)

    return make


GR, GR_IR, SE, SE_IR = ("GR",), ("GR", "IR"), ("SE",), ("SE", "IR")
VENDORS = [
    # Siemens: sequence names by technique; T2-STIR is a turbo inversion recovery.
    ("bssfp", 25, 1.3, None, 55, GR, ("SK",), "*tfi2d1_13", "cine_trufi_sax"),
    ("lge", 1, 3.3, 290, 25, GR_IR, ("SK", "SP", "MP"), "*tfl2d1_25", "de_tfl_psir_sax_MAG"),
    ("lge", 1, 1.2, 300, 50, GR_IR, ("SK",), "*tfi2d1_51", "LGE_trufi_psir_sax_MAG"),
    ("t2", 1, 61, 170, 180, SE_IR, ("SK", "SP", "MP"), "*tir2d1_23", "t2_tirm_db_sax"),
    ("t2", 1, 1.4, None, 70, GR, ("SK", "MP"), "*tfi2d1_61", "T2prep_trufi_sax"),
    # Philips: techniques in the description.
    ("bssfp", 30, 1.5, None, 60, GR, ("SS",), "BTFE", "sBTFE_BH_SA"),
    ("lge", 1, 3.0, 270, 15, GR_IR, ("SK", "MP"), "T1TFE", "IR_TFE_LGE_SA"),
    ("t2", 1, 80, 180, 90, ("IR",), ("SK",), "TIR", "STIR_BB_SA"),
    ("t2", 1, 90, None, 90, SE, ("SK",), "TSE", "T2W_SPAIR_SA"),
    # GE: pulse sequence names in private group 0019.
    ("bssfp", 20, 1.6, None, 45, GR, ("SS", "SK"), "fiesta", "SA FIESTA CINE"),
    ("lge", 1, 1.5, 275, 20, GR_IR, ("SS", "SK"), "mde", "SA MDE"),
    ("t2", 1, 64, 150, 90, SE_IR, ("SK",), "fse-xl", "SA TRIPLE IR"),
    # Canon.
    ("bssfp", 25, 1.6, None, 60, GR, ("SS",), "SSFP_ecg", "SA Cine SSFP"),
    ("lge", 1, 2.4, 280, 15, GR_IR, ("SP", "MP"), "FFE_IR_ecg", "SA LGE FFE IR"),
    ("t2", 1, 70, 170, 90, SE_IR, ("SK",), "FSE_IR_ecg", "SA T2 BB STIR"),
    # Without any description.
    ("bssfp", 25, 1.3, None, 55, GR, ("SS",), "", ""),
    ("lge", 1, 3.3, 290, 25, GR_IR, ("SP", "MP"), "", ""),
    ("t2", 1, 61, 170, 180, SE_IR, ("SK",), "", ""),
]


@pytest.mark.parametrize("row", VENDORS, ids=[f"{row[0]} {row[-1] or 'untold'}" for row in VENDORS])
def test_each_vendors_series_are_told(candidate, row):
    sequence, n_phases, echo_ms, inversion_ms, flip, scanning, variant, name, description = row
    verdict = judge(
        candidate(
            n_phases=n_phases,
            known={"echo_ms": float(echo_ms), "inversion_ms": inversion_ms and float(inversion_ms)},
            flip_angle_deg=float(flip),
            scanning_sequence=scanning,
            sequence_variant=variant,
            sequence_name=name,
            series_description=description,
            echo_train_length=20 if sequence == "t2" else 1,
        )
    )
    assert verdict.shut_out is None
    assert verdict.sequence == Sequence(sequence)
    assert len(verdict.reasons[verdict.sequence]) >= 3


LOOKALIKES = [
    ("cine_trufi_4ch", {}, "long-axis"),
    ("cine_trufi_lvot", {}, "long-axis"),
    ("localizer", {}, "localiser"),
    ("3-PLANE LOC", {}, "localiser"),
    ("TI_scout_sax", {}, "localiser"),
    ("t1map_molli_sax", {}, "map"),
    ("sax T2 map", {}, "map"),
    ("T2_star_sax", {}, "map"),
    ("sax", {"image_type": ("DERIVED", "PRIMARY", "T1", "MAP")}, "map"),
    ("ECV_sax", {}, "map"),
    ("perfusion_sax_stress", {}, "another kind"),
    ("fl_venc_sax", {}, "another kind"),
    ("tagging_sax", {}, "another kind"),
    ("sax", {"image_type": ("DERIVED", "SECONDARY", "MPR")}, "made from"),
    ("sax", {"image_type": ("DERIVED", "SECONDARY", "OTHER")}, "made from"),
    ("sax", {"n_samples": 3}, "in colours"),
    ("sax", {"component": "phase"}, "phase image"),
    ("trufi", {"orientation": TRANSVERSE}, "transverse"),
    ("trufi", {"orientation": FOUR_CHAMBER}, "long axis"),
]


@pytest.mark.parametrize(
    ("description", "known", "words"), LOOKALIKES, ids=[" ".join((a, c)) for a, _, c in LOOKALIKES]
)
def test_what_looks_alike_is_told_apart(candidate, description, known, words):
    given = {"sequence_name": "*tfi2d1_13", "scanning_sequence": GR, "n_phases": 20} | known
    verdict = judge(candidate(series_description=description, **given))
    assert verdict.sequence is None
    assert words in (verdict.shut_out or "")


def test_several_inversion_times_of_a_slice_make_a_map(frame):
    protocol = Protocol(series_number=7, series_description="sax", scanning_sequence=GR_IR)
    frames = [
        frame((0, 0, 0), SHORT_AXIS, protocol=protocol, inversion_ms=ms)
        for ms in (100.0, 180.0, 900.0, 1000.0)
    ]
    (stack,) = build_stacks(frames)
    assert "4 inversion times" in (judge(Candidate(stack)).shut_out or "")


def test_images_over_a_minute_are_no_cine(frame):
    protocol = Protocol(series_number=7, series_description="sax", sequence_name="tfl")
    frames = [
        frame((0, 0, 0), SHORT_AXIS, protocol=protocol, trigger_ms=900.0 * k) for k in range(60)
    ]
    (stack,) = build_stacks(frames)
    assert "perfusion" in (judge(Candidate(stack)).shut_out or "")


def test_a_series_in_several_directions_is_a_localiser(candidate):
    stack = candidate(sequence_name="*tfi2d1_13", n_phases=20).stack
    assert "3 directions" in (judge(Candidate(stack, n_orientations=3)).shut_out or "")


def test_little_said_is_too_little(candidate):
    verdict = judge(candidate(series_description="sax"))
    assert verdict.shut_out is None
    assert verdict.sequence is None


def test_the_view_goes_by_the_normal_in_either_direction():
    axis = np.array(LONG_AXIS) / np.linalg.norm(LONG_AXIS)
    assert view_of(axis) is view_of(-axis) is View.SHORT_AXIS
    assert view_of(np.array([0.0, 1.0, 0.0])) is View.CORONAL
    assert view_of(np.array([1.0, 0.0, 0.0])) is View.SAGITTAL
    assert view_of(np.array([0.0, 0.0, -1.0])) is View.TRANSVERSE
    across = np.cross(axis, [1.0, 0.0, 0.0])
    assert view_of(across / np.linalg.norm(across)) is View.LONG_AXIS


@given(vector=st.tuples(*[st.floats(-1, 1)] * 3))
def test_the_angle_to_the_axis_does_not_know_directions(vector):
    normal = np.array(vector)
    if np.linalg.norm(normal) < 0.1:
        return
    assert 0 <= off_axis_deg(normal) <= 90
    assert off_axis_deg(normal) == pytest.approx(off_axis_deg(-normal))


@given(text=st.text(max_size=60), n_phases=st.sampled_from([1, 9]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_description_is_judged(candidate, text, n_phases):
    verdict = judge(candidate(n_slices=2, n_phases=n_phases, series_description=text))
    assert set(verdict.points) == set(Sequence)


def test_every_rule_stands_in_the_docs():
    docs = (Path(__file__).parents[3] / "docs" / "dicom.md").read_text(encoding="utf-8")
    names = {rule.observation.__name__ for rules in RULES.values() for rule in rules}
    names |= {observation.__name__ for observation in SHUT_OUT}
    missing = sorted(name for name in names if f"`{name}`" not in docs)
    assert missing == []
