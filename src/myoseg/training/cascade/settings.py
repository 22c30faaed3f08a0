"""The sections of the default model's recipe: each setting, its type and its range.

As in `training.settings`, no setting has a default here: the preset holds every value.
"""

import math
from typing import Annotated, TypeAlias

from pydantic import Field, model_validator

from myoseg.anatomy import Sequence
from myoseg.training.settings import Channels, Normalisation, Section, require_ascending

Probability: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Spread: TypeAlias = Annotated[float, Field(ge=0, le=2)]
Level: TypeAlias = Annotated[float, Field(ge=-1, le=2)]
Thickness: TypeAlias = Annotated[float, Field(gt=0, le=50)]


class ContrastRanges(Section):
    """How far a slice's signals depart from the physical ones.

    `random_share` of the slices have signals drawn with no physics at all; `spread` is the
    standard deviation of a material's log signal about the physical one; `phase_sensitive_share`
    of the LGE slices keep their sign.
    """

    random_share: Probability
    spread: Spread
    phase_sensitive_share: Probability


class AppearanceRanges(Section):
    """Strengths of what a scanner does to an image; each is drawn from near 0 to the value given.

    `texture` is the standard deviation of a tissue's unevenness as a part of its signal, `bias` of
    the log coil sensitivity, `blur_px` of the resolution, `noise` as a part of the slice's range of
    signals, `gamma` of the log exponent of the display curve; `cut_probability` is that of a field
    of view that ends inside the square, `clutter_probability` that of a body replaced by random
    shapes.
    """

    texture: Spread
    bias: Spread
    blur_px: float = Field(ge=0.2, le=5)
    noise: float = Field(ge=0.005, le=1)
    gamma: Spread
    cut_probability: Probability
    clutter_probability: Probability


class GuideRanges(Section):
    """Errors of the anatomy that guides a later stage, as found masks have them.

    `bend_px` is the largest displacement of a contour, `shift_px` the standard deviation of a
    guide's displacement as a whole; the cut of the softened mask varies by `level` about a half;
    `bitten_probability` is that of scar taken for blood.
    """

    bend_px: float = Field(ge=0, le=20)
    shift_px: float = Field(ge=0, le=20)
    level: float = Field(ge=0, le=0.5)
    bitten_probability: Probability


class SimulationSettings(Section):
    """How simulated slices are drawn, for all stages."""

    contrast: ContrastRanges
    appearance: AppearanceRanges
    guides: GuideRanges


class SliceRanges(Section):
    """Where slices are cut and how they are framed.

    `levels` are along the long axis: 0 at the base, 1 at the apex. `unframed_share` of the slices
    show the body at large, as before the heart is found. `turn_deg` is the largest rotation of most
    slices; a third is turned by any angle. `infarct_probability` is that of a case with an infarct.
    """

    levels: Annotated[tuple[Level, Level], Field(strict=False)]
    unframed_share: Probability
    turn_deg: float = Field(ge=0, le=180)
    thickness_mm: Annotated[tuple[Thickness, Thickness], Field(strict=False)]
    infarct_probability: Probability

    @model_validator(mode="after")
    def _ranges_ascend(self) -> "SliceRanges":
        require_ascending(self, ("levels", "thickness_mm"))
        return self


class StageSchedule(Section):
    """How long and how fast a stage's network learns.

    The learning rate rises over `n_warm_up` steps and falls along half a cosine. `averaging` is the
    decay of the running mean of the weights, which is what is kept. `saved_every` is in steps.
    """

    n_steps: int = Field(ge=1, le=10_000_000)
    batch_size: int = Field(ge=1, le=1024)
    learning_rate: float = Field(gt=0, le=1)
    n_warm_up: int = Field(ge=0, le=100_000)
    weight_decay: float = Field(ge=0, le=1)
    averaging: float = Field(ge=0, lt=1)
    gradient_clip: float = Field(gt=0, le=1000)
    saved_every: int = Field(ge=1, le=100_000)

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, as a part of the highest."""
        rise = min(1.0, (step + 1) / max(1, self.n_warm_up))
        return rise * 0.5 * (1 + math.cos(math.pi * min(step / self.n_steps, 1.0)))


class StageSettings(Section):
    """A stage's network, how it is fed and how it learns; see `networks.stage.Stage`.

    `sequence_shares` say, for a stage without guides, how often each sequence is the one that is
    there; for a stage with guides, how often each is there at all.
    """

    blocks: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    size_px: int = Field(ge=16, le=1024)
    heart_share: float = Field(gt=0, lt=1)
    channels: Annotated[tuple[Channels, ...], Field(min_length=1, max_length=7, strict=False)]
    normalisation: Normalisation
    slices: SliceRanges
    sequence_shares: dict[str, Probability]
    schedule: StageSchedule

    @model_validator(mode="after")
    def _sequences_exist(self) -> "StageSettings":
        unknown = sorted(set(self.sequence_shares) - set(Sequence))
        if unknown:
            raise ValueError(
                f"sequence_shares names {', '.join(unknown)}; there are {', '.join(Sequence)}"
            )
        if not any(self.sequence_shares.values()):
            raise ValueError("sequence_shares must give some sequence a share above 0")
        return self
