from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from myoseg.cases.dicom.frames import Protocol
from myoseg.cases.dicom.stacks import build_stacks

TRANSVERSE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def at(frame, *heights, **known):
    """Transverse frames at these heights."""
    return [frame((0, 0, z), TRANSVERSE, **known) for z in heights]


def test_a_transverse_stack_by_hand(frame):
    (stack,) = build_stacks([frame((-10, -20, z), TRANSVERSE) for z in (30.0, 10.0, 20.0)])
    assert stack.geometry.shape == (3, 5, 6)
    # LPS x and y turn round in RAS; columns are 1.25 mm apart, rows 1.5 mm, slices 10 mm.
    expected = [[-1.25, 0, 0, 10], [0, -1.5, 0, 20], [0, 0, 10, 10], [0, 0, 0, 1]]
    assert np.allclose(stack.geometry.affine, expected)
    assert stack.notes == ()
    assert stack.fault is None


@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    origin=st.tuples(*[st.floats(-300, 300)] * 3),
    step_mm=st.floats(2, 25),
    n_slices=st.integers(1, 8),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_first_pixels_are_where_headers_say_and_slices_are_right_handed(
    frame, angles, origin, step_mm, n_slices, seed
):
    turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    orientation = (*turn[:, 0], *turn[:, 1])
    places = [np.array(origin) + turn[:, 2] * step_mm * k for k in range(n_slices)]
    shuffled = np.random.default_rng(seed).permutation(n_slices)
    (stack,) = build_stacks([frame(places[k], orientation, instance=int(k)) for k in shuffled])
    assert np.linalg.det(stack.geometry.affine[:3, :3]) > 0
    for k, (only,) in enumerate(stack.slices):
        assert only.instance == k
        ras = stack.geometry.affine @ [0, 0, k, 1]
        assert np.allclose(ras[:3] * [-1, -1, 1], places[k], atol=1e-6)
    if n_slices > 1:
        assert stack.geometry.spacing_mm[0] == pytest.approx(step_mm)


def test_no_frame_makes_no_stack(frame):
    assert build_stacks([]) == ()
    assert build_stacks([replace(frame((0, 0, 0)), place=None)]) == ()


def test_a_single_slice_is_as_thick_as_its_header_says(frame):
    (stack,) = build_stacks(at(frame, 5.0))
    assert stack.geometry.spacing_mm == (8.0, 1.5, 1.25)


def test_a_missing_slice_is_named_and_the_longer_run_is_used(frame):
    (stack,) = build_stacks(at(frame, 0, 10, 20, 30, 50, 60))
    assert [frames[0].place.position_mm[2] for frames in stack.slices] == [0, 10, 20, 30]
    assert "1 slice missing between slices 4 and 5 of 6" in stack.notes
    assert any("slices 1 to 4 of 6" in note for note in stack.notes)
    assert stack.fault is None


def test_an_uneven_gap_is_told_in_millimetres(frame):
    (stack,) = build_stacks(at(frame, 0, 10, 20, 34))
    assert "14.0 mm between slices 3 and 4 of 4, elsewhere 10.0 mm" in stack.notes
    assert len(stack.slices) == 3


def test_slices_that_follow_no_distance_are_no_stack(frame):
    (stack,) = build_stacks(at(frame, 0, 10, 33, 70, 110, 190))
    assert stack.fault is not None
    assert "unevenly" in stack.fault


def test_gaps_even_to_a_tenth_are_even(frame):
    (stack,) = build_stacks(at(frame, 0, 10.4, 19.8, 30.0))
    assert len(stack.slices) == 4
    assert stack.geometry.spacing_mm[0] == pytest.approx(10.0)


def test_slices_shifted_in_their_plane_are_not_of_one_stack(frame):
    frames = [frame((x, 0, z), TRANSVERSE) for x, z in ((0, 0), (0, 10), (0, 20), (7, 30))]
    (stack,) = build_stacks(frames)
    assert len(stack.slices) == 3
    assert any("shifted in their plane" in note for note in stack.notes)


def test_slices_that_slide_steadily_do_not_add_up_to_a_sheared_grid(frame):
    frames = [frame((0.4 * k, 0, 10 * k), TRANSVERSE) for k in range(6)]
    (stack,) = build_stacks(frames)
    for k, (only,) in enumerate(stack.slices):
        ras = stack.geometry.affine @ [0, 0, k, 1]
        assert abs(ras[0] * -1 - only.place.position_mm[0]) <= 0.7


def test_phases_are_in_order_of_trigger_time(frame):
    frames = [frame((0, 0, 0), TRANSVERSE, trigger_ms=t) for t in (60.0, 0.0, 30.0)]
    (stack,) = build_stacks(frames)
    assert [each.trigger_ms for each in stack.slices[0]] == [0.0, 30.0, 60.0]
    assert stack.n_phases == 3


def test_phases_without_trigger_time_are_in_order_of_instances(frame):
    frames = [frame((0, 0, 0), TRANSVERSE, instance=k) for k in (3, 1, 2, 8, 7, 6, 5, 4)]
    (stack,) = build_stacks(frames)
    assert [each.instance for each in stack.slices[0]] == list(range(1, 9))


def test_a_phase_that_was_taken_twice_is_the_later_one(frame):
    frames = [
        frame((0, 0, 0), TRANSVERSE, trigger_ms=20.0, taken_s=when, instance=number)
        for number, when in ((1, 100.0), (2, 50.0))
    ]
    (stack,) = build_stacks(frames)
    (only,) = stack.slices[0]
    assert only.taken_s == 100.0
    assert any("repeat" in note for note in stack.notes)


def test_copies_of_an_instance_count_once_and_are_not_worth_a_word(frame):
    one = frame((0, 0, 0), TRANSVERSE, sop_instance_uid="1.2.9")
    (stack,) = build_stacks([one, replace(one, path=one.path.with_name("copy"))])
    assert stack.n_phases == 1
    assert stack.notes == ()


def test_slices_with_fewer_phases_are_told(frame):
    frames = [
        frame((0, 0, z), TRANSVERSE, trigger_ms=t)
        for z in (0, 10)
        for t in (0.0, 30.0, 60.0)[: 3 - z // 10]
    ]
    (stack,) = build_stacks(frames)
    assert "slices have from 2 to 3 phases" in stack.notes


@pytest.mark.parametrize(
    "other",
    [
        {"shape": (6, 6)},
        {"spacing_mm": (1.5, 1.5)},
        {"protocol": Protocol(series_number=7, component="phase-sensitive")},
        {"orientation": (0.0, 1.0, 0.0, 0.0, 0.0, 1.0)},
    ],
)
def test_what_differs_in_matrix_spacing_component_or_direction_is_another_stack(frame, other):
    given = {"orientation": TRANSVERSE} | other
    stacks = build_stacks([*at(frame, 0, 10), frame((0, 0, 20), **given)])
    assert [len(stack.slices) for stack in stacks] == [2, 1]
