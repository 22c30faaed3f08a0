"""What may be asked of the simulation: ranges that each case's parameters are drawn from."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from myoseg.anatomy import Sequence
from myoseg.cases.phantom.tissue import MyocardialRanges, Range
from myoseg.errors import ConfigurationError

MAX_MATRIX: Final = 2048
MAX_SUPERSAMPLING: Final = 16
MAX_SLICES: Final = 64


@dataclass(frozen=True)
class GridRanges:
    """Where one sequence's own grid is drawn from.

    Attributes:
        spacing_mm: of the stored pixels, the same along rows and columns.
        slice_spacing_mm: distance of neighbouring slices.
        slice_thickness_mm: what a slice averages over, at most the slices' distance.
        field_mm: longer side of the field of view.
        shorter_side: the shorter side, along which phase is encoded, over the longer.
        acquired_mm: resolution along the longer side; the stored grid interpolates it.
        phase_resolution: resolution along the shorter side, as a part of that.
    """

    spacing_mm: Range
    slice_spacing_mm: Range
    slice_thickness_mm: Range
    field_mm: Range
    acquired_mm: Range
    shorter_side: Range = (0.7, 1.0)
    phase_resolution: Range = (0.65, 1.0)


BSSFP_GRID: Final = GridRanges((1.2, 1.3), (8.0, 13.0), (6.0, 8.0), (280.0, 360.0), (1.25, 1.6))
LGE_GRID: Final = GridRanges((0.72, 0.78), (5.0, 10.0), (5.0, 8.0), (270.0, 330.0), (1.2, 1.5))
T2_GRID: Final = GridRanges((1.3, 1.4), (12.0, 20.0), (8.0, 12.0), (290.0, 360.0), (1.35, 1.8))


@dataclass(frozen=True)
class PhantomConfig:
    """Ranges of a simulated case; the defaults are those of MyoPS 2020 (paper, section 3.1).

    The common grid is that of `simulate_case`; `simulate_study` adds each sequence's own grid.

    Attributes:
        matrix: rows and columns of a slice of the common grid.
        spacing_mm: its in-plane pixel spacing, the same along rows and columns.
        n_slices: its fewest and most short-axis slices.
        slice_spacing_mm: distance of its neighbouring slices.
        slice_thickness_mm: what a slice averages over; the rest of the spacing is gap.
        snr: signal over noise of normal myocardium (bSSFP, T2) or of blood (LGE).
        infarct_probability: chance that a case has an infarct at all.
        edema_probability: chance that an infarct is acute, with edema around it; else chronic.
        psir_probability: chance that LGE is phase-sensitive, else a magnitude.
        t2_prepared_probability: chance that T2 is bright-blood, else dark-blood STIR.
        ti_error_ms: by how much the inversion time misses the null of normal myocardium.
        blood_left: part of flowing blood's signal that the dark-blood preparation leaves.
        slow_flow: further part of it that is left where blood touches the wall.
        bias_spread: standard deviation of the logarithm of the coil's sensitivity, by mode.
        off_resonance_hz: departure of the field 150 mm from the heart; bands appear from about
            170 Hz on.
        k_space_edge: outer part of the acquired k-space over which it is faded out; 0 cuts it
            sharply, with Gibbs ringing, 1 fades all of it.
        brightest: stored value of the brightest pixel of a magnitude image.
        offset: added to the stored values of a magnitude image.
        bssfp_grid: the sequence's own grid.
        lge_grid: likewise.
        t2_grid: likewise.
        sequence_shift_mm: standard deviation of the in-plane shifts between sequences.
        slice_shift_mm: the same between the breath-holds of a sequence's slices.
        mixed_orientation_probability: chance that each sequence of a study is stored in another
            of the eight orientations, rather than all in one.
        padding_probability: chance that a sequence's image is padded to a square with zeros.
        myocardium: relaxation and contrast uptake of healthy and diseased myocardium; working
            values where no direct source at 1.5 T is known.
        supersampling: points along each side of a pixel.
        n_sub_slices: points through the thickness of a slice.

    Raises:
        ConfigurationError: a value is out of range; the message names it.
    """

    matrix: tuple[int, int] = (256, 256)
    spacing_mm: Range = (0.73, 0.76)
    n_slices: tuple[int, int] = (2, 6)
    slice_spacing_mm: Range = (12.0, 23.0)
    slice_thickness_mm: Range = (6.0, 10.0)
    snr: Range = (10.0, 30.0)
    infarct_probability: float = 0.9
    edema_probability: float = 0.8
    psir_probability: float = 0.0
    t2_prepared_probability: float = 0.0
    ti_error_ms: Range = (-20.0, 20.0)
    blood_left: Range = (0.03, 0.12)
    slow_flow: Range = (0.0, 0.3)
    bias_spread: float = 0.25
    off_resonance_hz: Range = (20.0, 250.0)
    k_space_edge: Range = (0.05, 0.4)
    brightest: Range = (400.0, 3000.0)
    offset: Range = (0.0, 0.0)
    bssfp_grid: GridRanges = BSSFP_GRID
    lge_grid: GridRanges = LGE_GRID
    t2_grid: GridRanges = T2_GRID
    sequence_shift_mm: float = 2.5
    slice_shift_mm: float = 1.5
    mixed_orientation_probability: float = 0.2
    padding_probability: float = 0.2
    myocardium: MyocardialRanges = field(default_factory=MyocardialRanges)
    supersampling: int = 2
    n_sub_slices: int = 3

    def __post_init__(self) -> None:
        for name, limits in _LIMITS.items():
            for path, value in self._values_at(name):
                _check(path, value, limits)

    def grid(self, sequence: Sequence) -> GridRanges:
        """The ranges of a sequence's own grid."""
        grids = {
            Sequence.BSSFP: self.bssfp_grid,
            Sequence.LGE: self.lge_grid,
            Sequence.T2: self.t2_grid,
        }
        return grids[sequence]

    def _values_at(self, name: str) -> Iterator[tuple[str, Any]]:
        """The values that a name of `_LIMITS` stands for: of each grid, or of the configuration."""
        if not name.startswith("grid."):
            yield name, getattr(self, name)
            return
        for sequence in Sequence:
            key = name.removeprefix("grid.")
            yield f"{sequence}_grid.{key}", getattr(self.grid(sequence), key)


@dataclass(frozen=True)
class _Limits:
    """Lowest and highest value allowed; of a range, both ends, in order, else each value."""

    low: int | float
    high: int | float
    in_order: bool = True


_POSITIVE: Final = _Limits(1e-6, 1e6)
_FRACTION: Final = _Limits(0, 1)

_LIMITS: Final[dict[str, _Limits]] = (
    {
        "matrix": _Limits(16, MAX_MATRIX, in_order=False),
        "n_slices": _Limits(1, MAX_SLICES),
        "supersampling": _Limits(1, MAX_SUPERSAMPLING),
        "n_sub_slices": _Limits(1, MAX_SUPERSAMPLING),
        "ti_error_ms": _Limits(-200, 200),
        "bias_spread": _Limits(0, 2),
        "off_resonance_hz": _Limits(0, 2000),
        "brightest": _Limits(10, 30_000),
        "offset": _Limits(0, 2000),
        "sequence_shift_mm": _Limits(0, 50),
        "slice_shift_mm": _Limits(0, 50),
        "grid.spacing_mm": _Limits(0.2, 10),
        "grid.slice_spacing_mm": _Limits(1, 100),
        "grid.field_mm": _Limits(100, 600),
        "grid.shorter_side": _Limits(0.3, 1),
        "grid.phase_resolution": _Limits(0.2, 1),
    }
    | dict.fromkeys(
        (
            "spacing_mm",
            "slice_spacing_mm",
            "slice_thickness_mm",
            "snr",
            "grid.slice_thickness_mm",
            "grid.acquired_mm",
        ),
        _POSITIVE,
    )
    | dict.fromkeys(
        (
            "infarct_probability",
            "edema_probability",
            "psir_probability",
            "t2_prepared_probability",
            "mixed_orientation_probability",
            "padding_probability",
            "blood_left",
            "slow_flow",
            "k_space_edge",
        ),
        _FRACTION,
    )
)


def _check(name: str, value: Any, limits: _Limits) -> None:
    values = value if isinstance(value, tuple) else (value,)
    complete = len(values) == 2 or not isinstance(value, tuple)
    within = complete and all(limits.low <= each <= limits.high for each in values)
    if within and not (limits.in_order and list(values) != sorted(values)):
        return
    ends = "the lowest and the highest value, in this order and both" if len(values) > 1 else "one"
    ends = ends if limits.in_order else "values"
    raise ConfigurationError(
        f"phantom {name} is {value}; give {ends} from {limits.low:g} to {limits.high:g}."
    )


SMALL: Final = PhantomConfig(
    matrix=(128, 128),
    spacing_mm=(1.5, 1.5),
    bssfp_grid=replace(BSSFP_GRID, spacing_mm=(1.8, 2.0)),
    lge_grid=replace(LGE_GRID, spacing_mm=(1.5, 1.6)),
    t2_grid=replace(T2_GRID, spacing_mm=(2.0, 2.2)),
)
"""A quarter of the pixels over the same field of view, for demonstrations and tests."""


def clinical(config: PhantomConfig) -> PhantomConfig:
    """The same with the variants and the scales of intensity of many scanners."""
    return replace(
        config,
        psir_probability=0.5,
        t2_prepared_probability=0.3,
        brightest=(200.0, 12_000.0),
        offset=(0.0, 30.0),
    )
