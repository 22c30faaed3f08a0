"""Two patches and a transform between them in, Mattes' mutual information out, or a better one.

Mattes et al., "PET-CT image registration in the chest using free-form deformations", IEEE
Transactions on Medical Imaging 22(1), 2003, as SimpleITK has it.
"""

from typing import Any, Final

import numpy as np
import SimpleITK
from jaxtyping import Float

from myoseg.cases.alignment.in_plane import Freedom, InPlane
from myoseg.cases.alignment.patches import PIXEL_MM, Patch, Picture

sitk: Any = SimpleITK
"""Its functions state no types."""

N_BINS: Final = 24
STEP_MM: Final = 1.0
SMALLEST_STEP_MM: Final = 0.01
N_STEPS: Final = 100
STARTS_DEG: Final = (-6.0, 0.0, 6.0)


def information(fixed: Patch, moving: Patch, transform: InPlane) -> float | None:
    """Mutual information of the fixed patch and the moving one seen through the transform, in nats.

    None where either is blank or they do not overlap.
    """
    if fixed.is_blank or moving.is_blank:
        return None
    method = _method()
    method.SetInitialTransform(_affine(transform))
    try:
        return -float(method.MetricEvaluate(_image(fixed.inner), _image(moving.picture)))
    except RuntimeError:
        return None


def refined(fixed: Patch, moving: Patch, start: InPlane, freedom: Freedom) -> InPlane | None:
    """The transform of the given freedom at which information is highest, from several starts.

    All start with the shift of `start`, turned by `STARTS_DEG`. None where every search fails.
    """
    images = _image(fixed.inner), _image(moving.picture)
    best: tuple[float, InPlane] | None = None
    for start_deg in STARTS_DEG:
        transform = sitk.Euler2DTransform() if freedom is Freedom.RIGID else sitk.AffineTransform(2)
        transform.SetMatrix(_rotation(np.radians(start_deg)).ravel().tolist())
        transform.SetTranslation(start.shift_mm[::-1].tolist())
        method = _method()
        method.SetOptimizerAsRegularStepGradientDescent(STEP_MM, SMALLEST_STEP_MM, N_STEPS)
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(transform, inPlace=True)
        try:
            method.Execute(*images)
        except RuntimeError:
            continue
        if best is None or method.GetMetricValue() < best[0]:
            matrix = np.reshape(transform.GetMatrix(), (2, 2))[::-1, ::-1]
            shift_mm = np.array(transform.GetTranslation())[::-1]
            best = float(method.GetMetricValue()), InPlane(matrix, shift_mm)
    return None if best is None else best[1]


def _rotation(angle: float) -> Float[np.ndarray, "2 2"]:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _method() -> Any:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(N_BINS)
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetNumberOfThreads(1)
    return method


def _affine(transform: InPlane) -> Any:
    """The same along SimpleITK's axes, right and down."""
    turned = sitk.AffineTransform(2)
    turned.SetMatrix(transform.matrix[::-1, ::-1].ravel().tolist())
    turned.SetTranslation(transform.shift_mm[::-1].tolist())
    return turned


def _image(picture: Picture) -> Any:
    image = sitk.GetImageFromArray(np.ascontiguousarray(picture, dtype=np.float32))
    image.SetSpacing((PIXEL_MM, PIXEL_MM))
    image.SetOrigin([-(length - 1) / 2 * PIXEL_MM for length in reversed(picture.shape)])
    return image
