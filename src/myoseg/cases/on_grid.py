"""One sequence's image on a grid of its own, as scanners give it, before sequences are aligned."""

from dataclasses import dataclass

from myoseg.cases.case import Geometry, Volume


@dataclass(frozen=True, eq=False)
class ImageOnGrid:
    """Finite intensities and where they lie in the patient."""

    volume: Volume
    geometry: Geometry

    def __post_init__(self) -> None:
        if self.volume.shape != self.geometry.shape:
            raise ValueError(
                f"the image is {self.volume.shape} but its grid is {self.geometry.shape}"
            )
