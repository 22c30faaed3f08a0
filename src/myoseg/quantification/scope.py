"""What of a case counts: two label maps enter, both leave cut to the part that is scored."""

from dataclasses import dataclass, replace
from pathlib import Path

from myoseg.anatomy import REGIONS, Tissues
from myoseg.cases.case import Geometry, LabelMap
from myoseg.errors import InputError


@dataclass(frozen=True)
class Scope:
    """The part of each case that is scored, by regions (`anatomy.REGIONS`) of its truth.

    `inside`: what is predicted outside this true region is left out of account. `slices_with`: only
    slices in which this true region has a pixel take part. None for all of the case.

    Raises:
        InputError: there is no region of that name.
    """

    inside: str | None = None
    slices_with: str | None = None

    def __post_init__(self) -> None:
        for name in (self.inside, self.slices_with):
            if name is not None and name not in REGIONS:
                raise InputError(f"there is no region {name!r}; choose from {', '.join(REGIONS)}.")

    def apply(
        self, predicted: LabelMap, true: LabelMap, geometry: Geometry, source: Path
    ) -> tuple[LabelMap, LabelMap, Geometry]:
        """Both label maps cut to what counts, with their grid.

        The kept slices are stacked as neighbours at the volume's own spacing, even where slices
        between them were left out; distances in 3-D are those of this stack, in which a surface
        also lies where the stack was cut.

        Args:
            predicted: the automatic labels.
            true: the manual labels, on the same grid.
            geometry: that grid.
            source: the truth's file, named in errors.

        Raises:
            InputError: the truth does not tell a region's extent, or no slice would be left.
        """
        if self.inside is not None:
            predicted = predicted.within(true.mask(_region(self.inside, true, source)))
        if self.slices_with is None:
            return predicted, true, geometry
        kept = true.mask(_region(self.slices_with, true, source)).any(axis=(1, 2))
        if not kept.any():
            raise InputError(
                f"{source} has no slice with {self.slices_with}, so nothing of the case takes "
                "part; leave the case out, or choose a region that it has."
            )
        predicted, true = (replace(each, codes=each.codes[kept]) for each in (predicted, true))
        _, n_rows, n_cols = geometry.shape
        return predicted, true, replace(geometry, shape=(int(kept.sum()), n_rows, n_cols))


def _region(name: str, true: LabelMap, source: Path) -> Tissues:
    """The tissues of a region that the truth assessed."""
    if not true.assesses(REGIONS[name]):
        raise InputError(f"{source} does not tell the extent of {name}.")
    return REGIONS[name]
