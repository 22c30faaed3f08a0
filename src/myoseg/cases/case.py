"""What a study is: images on one grid, and the labels drawn on it, if any.

Arrays are (slice, row, col): a NIfTI volume's axes reversed, so that `array[k]` is a slice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float, Float32, Int16

from myoseg.anatomy import BACKGROUND, EACH_TISSUE, REGIONS, Sequence, Tissues
from myoseg.blocks import is_union
from myoseg.cases.quality import Quality

Volume = Float32[np.ndarray, "slice row col"]
LabelVolume = Int16[np.ndarray, "slice row col"]


@dataclass(frozen=True, eq=False)
class Geometry:
    """A grid in the patient: `affine` maps (col, row, slice, 1) to NIfTI's RAS millimetres."""

    shape: tuple[int, int, int]
    affine: Float[np.ndarray, "4 4"]

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbouring voxels along slice, row and column, from the affine."""
        col, row, slice_ = (float(length) for length in np.linalg.norm(self.affine[:3, :3], axis=0))
        return slice_, row, col

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in millilitres, slice gaps counted in, as the spacing does."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000

    @property
    def spacing_is_nominal(self) -> bool:
        """Whether it is 1 x 1 x 1 mm, as programs write that do not know it."""
        return np.allclose(self.spacing_mm, 1.0)


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Tissues by voxel in MyoPS codes; tissues of one group were not told apart.

    A group is stored as the code of its mildest tissue (`anatomy.representative`). Tissues in no
    group were not assessed: their absence from `codes` says nothing.
    """

    codes: LabelVolume
    groups: tuple[Tissues, ...] = EACH_TISSUE

    def assesses(self, region: Tissues) -> bool:
        """Whether the region's extent is known: whether it is a union of groups."""
        return is_union(region, self.groups)

    def mask(self, region: Tissues) -> Bool[np.ndarray, "slice row col"]:
        """Voxels of the region.

        Raises:
            ValueError: the region was not assessed.
        """
        if not self.assesses(region):
            raise ValueError(f"{sorted(t.name for t in region)} was not assessed")
        found = np.zeros(self.codes.shape, dtype=np.bool_)
        for tissue in region:
            found |= self.codes == int(tissue)
        return found

    def within(self, mask: Bool[np.ndarray, "slice row col"]) -> "LabelMap":
        """The same labels inside the mask, background outside."""
        return replace(self, codes=np.where(mask, self.codes, np.int16(BACKGROUND)))

    @property
    def not_assessed(self) -> tuple[str, ...]:
        """Names of the regions (`anatomy.REGIONS`) whose extent is not known."""
        return tuple(name for name, region in REGIONS.items() if not self.assesses(region))


@dataclass(frozen=True, eq=False)
class Case:
    """One patient's sequences on one grid; a missing sequence is missing from `images`.

    `slice_thickness_mm` is that of the grid's slices as they were acquired, which may be less than
    their distance; None where the files do not tell, as those in NIfTI.
    """

    name: str
    images: Mapping[Sequence, Volume]
    geometry: Geometry
    labels: LabelMap | None = None
    slice_thickness_mm: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", MappingProxyType(dict(self.images)))

    def __reduce__(self) -> tuple[type["Case"], tuple[object, ...]]:
        """Lets a case travel to another process, which its read-only mapping would not."""
        images, thickness_mm = dict(self.images), self.slice_thickness_mm
        return Case, (self.name, images, self.geometry, self.labels, thickness_mm)

    @property
    def sequences(self) -> tuple[Sequence, ...]:
        """The sequences that are there, in the order of `Sequence`."""
        return tuple(sequence for sequence in Sequence if sequence in self.images)

    @property
    def n_slices(self) -> int:
        """Number of short-axis slices."""
        return self.geometry.shape[0]


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A case's predicted labels on the case's own grid.

    Attributes:
        name: of the case.
        labels: what was found.
        geometry: the case's grid.
        probabilities: of each block by name, from which masks are cut at .5; the default model's
            are at raised odds (`prediction.cascade`, anatomy and disease).
        quality: how far to rely on it; None where it was not assessed.
    """

    name: str
    labels: LabelMap
    geometry: Geometry
    probabilities: Mapping[str, Volume] = field(default_factory=dict)
    quality: Quality | None = None
