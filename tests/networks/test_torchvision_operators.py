"""nms and roi_align in plain PyTorch: by hand, by brute force, and against torchvision's own."""

import importlib
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from myoseg.networks.torchvision_operators import ensure_torchvision, nms, roi_align

SEEDS = st.integers(0, 2**32 - 1)


def iou(first: list[float], second: list[float]) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    common = max(width, 0) * max(height, 0)
    areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (first, second)]
    return common / (sum(areas) - common)


def nms_by_brute_force(boxes: list[list[float]], scores: list[float], limit: float) -> list[int]:
    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda index: -scores[index]):
        if all(iou(boxes[index], boxes[other]) <= limit for other in kept):
            kept.append(index)
    return kept


def interpolated(feature: Tensor, y: float, x: float) -> float:
    """One bilinear sample as the operator's definition has it."""
    height, width = feature.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = math.floor(y), math.floor(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    up, to_left = bottom - y if bottom > top else 1.0, right - x if right > left else 1.0
    above = to_left * feature[top, left] + (1 - to_left) * feature[top, right]
    below = to_left * feature[bottom, left] + (1 - to_left) * feature[bottom, right]
    return float(up * above + (1 - up) * below)


def roi_align_by_brute_force(
    features: Tensor, rois: Tensor, scale: float, shape: tuple[int, int], ratio: int, aligned: bool
) -> Tensor:
    pooled = torch.zeros(len(rois), features.shape[1], *shape)
    for k, (image, *box) in enumerate(rois.tolist()):
        x1, y1, x2, y2 = (edge * scale - (0.5 if aligned else 0.0) for edge in box)
        height, width = y2 - y1, x2 - x1
        if not aligned:
            height, width = max(height, 1.0), max(width, 1.0)
        n_rows = ratio if ratio > 0 else math.ceil(height / shape[0])
        n_cols = ratio if ratio > 0 else math.ceil(width / shape[1])
        for channel, row, col in torch.cartesian_prod(
            *map(torch.arange, pooled.shape[1:])
        ).tolist():
            samples = [
                interpolated(
                    features[int(image), channel],
                    y1 + (row + (i + 0.5) / n_rows) * height / shape[0],
                    x1 + (col + (j + 0.5) / n_cols) * width / shape[1],
                )
                for i in range(n_rows)
                for j in range(n_cols)
            ]
            pooled[k, channel, row, col] = sum(samples) / max(len(samples), 1)
    return pooled


def drawn_rois(seed: int, n_rois: int, n_images: int, extent: float, margin: float) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(n_rois, 2, 2, generator=generator) * (extent + 2 * margin) - margin
    images = torch.randint(n_images, (n_rois, 1), generator=generator)
    return torch.cat([images, corners.amin(dim=1), corners.amax(dim=1)], dim=1)


def test_the_lower_score_of_two_boxes_that_overlap_is_dropped() -> None:
    # the first two share 90 of 100 pixels, the third is apart
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 9, 10], [20, 20, 30, 30]])
    scores = torch.tensor([0.5, 0.9, 0.7])
    assert nms(boxes, scores, 0.5).tolist() == [1, 2]
    assert nms(boxes, scores, 0.9).tolist() == [1, 2, 0]


def test_a_dropped_box_drops_no_other() -> None:
    # each overlaps the next by 5 / 15; the middle one is dropped, so the last one stays
    boxes = torch.tensor([[0.0, 0, 10, 1], [5, 0, 15, 1], [10, 0, 20, 1]])
    assert nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.3).tolist() == [0, 2]


def test_equal_scores_are_kept_in_the_order_given() -> None:
    boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2], [5, 5, 6, 6]])
    assert nms(boxes, torch.tensor([0.5, 0.5, 0.5]), 0.5).tolist() == [0, 2]


def test_no_boxes_leave_none() -> None:
    assert nms(torch.zeros(0, 4), torch.zeros(0), 0.5).tolist() == []


@given(SEEDS, st.integers(0, 40), st.sampled_from([0.0, 0.3, 0.7]))
def test_nms_matches_brute_force(seed: int, n_boxes: int, limit: float) -> None:
    boxes = drawn_rois(seed, n_boxes, 1, 20.0, 0.0)[:, 1:].double()
    scores = torch.rand(n_boxes, generator=torch.Generator().manual_seed(seed))
    expected = nms_by_brute_force(boxes.tolist(), scores.tolist(), limit)
    assert nms(boxes, scores.double(), limit).tolist() == expected


def test_more_boxes_than_a_block_match_brute_force() -> None:
    boxes = drawn_rois(0, 1500, 1, 200.0, 0.0)[:, 1:].double()
    scores = torch.rand(1500, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert nms(boxes, scores, 0.3).tolist() == nms_by_brute_force(
        boxes.tolist(), scores.tolist(), 0.3
    )


def test_bins_of_a_ramp_are_the_ramp_at_their_centres() -> None:
    # value 8 row + col; bins of 2 x 2 from (1, 1) to (5, 5), centred on 2 and 4
    ramp = torch.arange(64.0).reshape(1, 1, 8, 8)
    roi = torch.tensor([[0.0, 1, 1, 5, 5]])
    expected = torch.tensor([[[[18.0, 20.0], [34.0, 36.0]]]])
    assert torch.allclose(roi_align(ramp, roi, 1.0, 2, 2, 2, False), expected)
    assert torch.allclose(roi_align(ramp, 2 * roi, 0.5, 2, 2, 0, False), expected)
    # aligned moves the region up and left by half a pixel: 8 / 2 + 1 / 2 less
    assert torch.allclose(roi_align(ramp, roi, 1.0, 2, 2, 2, True), expected - 4.5)


def test_regions_are_at_least_a_pixel_wide_unless_aligned() -> None:
    ramp = torch.arange(8.0).expand(1, 1, 8, 8).contiguous()
    point = torch.tensor([[0.0, 3, 3, 3, 3]])
    assert roi_align(ramp, point, 1.0, 1, 1, 1, False).item() == 3.5
    assert roi_align(ramp, point, 1.0, 1, 1, 1, True).item() == 2.5


def test_samples_outside_the_image_count_as_zero() -> None:
    ones = torch.ones(1, 1, 4, 4)
    # rows at -1.5 and -.5: the first is beyond -1, the second is clamped to the first row
    region = torch.tensor([[0.0, 0, -2, 4, 0]])
    assert roi_align(ones, region, 1.0, 1, 1, 2, False).item() == 0.5
    assert roi_align(ones, region - torch.tensor([0.0, 0, 3, 0, 3]), 1.0, 1, 1, 2, False) == 0


def test_no_regions_give_an_empty_tensor_that_gradients_pass() -> None:
    features = torch.randn(2, 3, 4, 4, requires_grad=True)
    pooled = roi_align(features, torch.zeros(0, 5), 1.0, 7, 6, 2, False)
    assert pooled.shape == (0, 3, 7, 6)
    pooled.sum().backward()
    assert features.grad is not None
    assert not features.grad.any()


@given(SEEDS, st.sampled_from([-1, 1, 2]), st.booleans(), st.sampled_from([0.5, 1.0]))
def test_roi_align_matches_brute_force(seed: int, ratio: int, aligned: bool, scale: float) -> None:
    features = torch.randn(2, 2, 6, 5, generator=torch.Generator().manual_seed(seed))
    rois = drawn_rois(seed, 4, 2, 6 / scale, 2.0)
    ours = roi_align(features, rois, scale, 2, 3, ratio, aligned)
    expected = roi_align_by_brute_force(features, rois, scale, (2, 3), ratio, aligned)
    assert torch.allclose(ours, expected, atol=1e-5)


@pytest.mark.parametrize("ratio", [2, -1])
@pytest.mark.parametrize("aligned", [True, False])
def test_values_and_gradients_match_torchvision_s_own_python(ratio: int, aligned: bool) -> None:
    ensure_torchvision()
    importlib.import_module("torchvision")
    theirs = sys.modules["torchvision.ops.roi_align"]._roi_align.__wrapped__
    features = torch.randn(2, 3, 9, 8, generator=torch.Generator().manual_seed(0))
    # regions inside: that version does not leave samples out beyond the border
    rois = drawn_rois(1, 6, 2, 6.0, 0.0) + torch.tensor([0.0, 1, 1, 1, 1])
    results = []
    for operator in (roi_align, theirs):
        given_features = features.clone().requires_grad_()
        pooled = operator(given_features, rois, 1.0, 3, 2, ratio, aligned)
        (pooled * torch.arange(2.0)).square().sum().backward()
        results.append((pooled, given_features.grad))
    torch.testing.assert_close(results[0][0], results[1][0], atol=2e-6, rtol=1e-5)
    torch.testing.assert_close(results[0][1], results[1][1], atol=2e-4, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_result_has_the_features_type(dtype: torch.dtype) -> None:
    features, roi = torch.ones(1, 1, 4, 4, dtype=dtype), torch.tensor([[0.0, 0, 0, 4, 4]])
    pooled = roi_align(features, roi.to(dtype), 1.0, 2, 2, 2, False)
    assert pooled.dtype == dtype
    assert torch.equal(pooled, torch.ones(1, 1, 2, 2, dtype=dtype))
    assert nms(roi[:, 1:].to(dtype), torch.ones(1, dtype=dtype), 0.5).tolist() == [0]


def test_torchvision_s_functions_use_the_operators() -> None:
    ensure_torchvision()
    from torchvision import ops

    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 9, 10], [0, 0, 9, 10]])
    kept = ops.batched_nms(boxes, torch.tensor([0.5, 0.9, 0.7]), torch.tensor([0, 0, 1]), 0.5)
    assert kept.tolist() == [1, 2]
    features = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    rois = drawn_rois(0, 5, 2, 32.0, 0.0)
    theirs = ops.roi_align(features, rois, (4, 4), spatial_scale=0.5, sampling_ratio=2)
    ours = roi_align(features, rois, 0.5, 4, 4, 2, False)
    torch.testing.assert_close(theirs, ours, atol=2e-6, rtol=1e-5)


def test_compiled_operators_give_the_same() -> None:
    if ensure_torchvision():
        pytest.skip("torchvision's compiled operators do not load here")
    boxes = drawn_rois(0, 3000, 1, 200.0, 0.0)[:, 1:]
    scores = torch.rand(3000, generator=torch.Generator().manual_seed(0))
    theirs = torch.ops.torchvision.nms(boxes, scores, 0.5)
    assert torch.equal(nms(boxes, scores, 0.5), theirs)
    features = torch.randn(2, 8, 32, 32, generator=torch.Generator().manual_seed(0))
    rois = drawn_rois(0, 50, 2, 64.0, 10.0)
    for ratio, aligned in [(2, False), (-1, False), (2, True), (-1, True)]:
        pooled = torch.ops.torchvision.roi_align(features, rois, 0.5, 7, 7, ratio, aligned)
        ours = roi_align(features, rois, 0.5, 7, 7, ratio, aligned)
        torch.testing.assert_close(ours, pooled, atol=1e-5, rtol=1e-5)


def run_python(code: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    prelude = f"import sys; sys.path[:0] = {[str(path) for path in paths]!r}\n"
    return subprocess.run(
        [sys.executable, "-c", prelude + code], capture_output=True, text=True, check=False
    )


def test_libraries_import_after_a_failed_import_and_the_log_says_it_once() -> None:
    run = run_python(
        """
import logging
logging.basicConfig(level=logging.INFO)
try:
    import torchvision
except RuntimeError:
    pass
from myoseg.networks.torchvision_operators import ensure_torchvision
assert ensure_torchvision() == ensure_torchvision()
import torchvision
import torchmetrics, segmentation_models_pytorch
from torchvision.ops import deform_conv2d
import torch
ones = torch.ones(1, 1, 1, 1)
try:
    deform_conv2d(ones, torch.ones(1, 2, 1, 1), ones)
except RuntimeError as error:
    assert "custom C++ ops" in str(error), error
print(ensure_torchvision())
"""
    )
    assert run.returncode == 0, run.stderr
    times_said = run.stderr.count("plain PyTorch nms")
    assert times_said == (1 if run.stdout.strip() == "True" else 0)


FAKE_INIT = "from . import extension\nVALUE = extension._has_ops()\n"


def test_a_torchvision_whose_operators_load_is_left_alone(tmp_path: Path) -> None:
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(FAKE_INIT)
    (package / "extension.py").write_text("def _has_ops():\n    return True\n")
    run = run_python(
        """
import torch
from myoseg.networks.torchvision_operators import ensure_torchvision
assert ensure_torchvision() is False
assert "torchvision" not in sys.modules
assert not hasattr(torch.ops.torchvision, "nms")
import torchvision
assert torchvision.VALUE and torchvision.extension._has_ops()
""",
        tmp_path,
    )
    assert run.returncode == 0, run.stderr
    assert "plain PyTorch" not in run.stderr


def test_a_missing_torchvision_is_named_with_the_remedy() -> None:
    run = run_python(
        """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "torchvision" else find(name)
from myoseg.errors import ModelError
from myoseg.networks.torchvision_operators import ensure_torchvision
try:
    ensure_torchvision()
except ModelError as error:
    print(error)
"""
    )
    assert "pip install torchvision" in run.stdout, run.stderr
