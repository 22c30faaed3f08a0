"""Single observations of a candidate, each as words for people; nothing where it does not hold.

The conventions behind them, vendor by vendor and with sources, are in docs/dicom.md.
"""

import re
from typing import Final

from myoseg.cases.dicom import wording
from myoseg.cases.dicom.candidates import Candidate
from myoseg.cases.dicom.view import View, off_axis_deg, view_of

FEWEST_PHASES: Final = 8
"""Of a cine."""

LONGEST_HEARTBEAT_MS: Final = 2500.0
LGE_INVERSION_MS: Final = (120.0, 600.0)
LONGEST_GRADIENT_ECHO_MS: Final = 10.0
BSSFP_ECHO_MS: Final = 2.6
BSSFP_FLIP_DEG: Final = 30.0
T2_ECHO_MS: Final = (35.0, 130.0)


def spoken(candidate: Candidate) -> str:
    """The descriptions, in lower case."""
    protocol = candidate.protocol
    return f"{protocol.series_description} | {protocol.protocol_name}".lower()


def named(candidate: Candidate) -> str:
    """The scanner's names of the sequence, in lower case."""
    return candidate.protocol.sequence_name.lower()


def _says(pattern: re.Pattern[str], text: str, meaning: str) -> str | None:
    found = pattern.search(text)
    return f"its description says {found[0].strip()!r}: {meaning}" if found else None


def is_short_axis(candidate: Candidate) -> str | None:
    """By the normal, or else by description."""
    normal = candidate.stack.normal
    view, off_deg = view_of(normal), off_axis_deg(normal)
    said = _says(wording.SHORT_AXIS, spoken(candidate), "short axis")
    if view is View.SHORT_AXIS:
        return f"its slices are short-axis ones ({off_deg:.0f}° off the axis that is expected)"
    return said


def is_long_axis(candidate: Candidate) -> str | None:
    """By description."""
    if wording.SHORT_AXIS.search(spoken(candidate)):
        return None
    return _says(wording.LONG_AXIS, spoken(candidate), "a long-axis view")


def is_no_short_axis(candidate: Candidate) -> str | None:
    """By the normal, where no description says otherwise."""
    view = view_of(candidate.stack.normal)
    if is_short_axis(candidate) or view is View.POSSIBLY_SHORT_AXIS:
        return None
    off_deg = off_axis_deg(candidate.stack.normal)
    return f"its slices are {view} ones ({off_deg:.0f}° off the axis of a short-axis stack)"


def is_localiser(candidate: Candidate) -> str | None:
    """By image type, by description, or by having several orientations."""
    if "LOCALIZER" in candidate.protocol.image_type:
        return "its image type says LOCALIZER"
    if candidate.n_orientations > 1:
        return f"its images lie in {candidate.n_orientations} directions, as a localiser's do"
    return _says(wording.LOCALISER, spoken(candidate), "a localiser, scout or calibration")


def is_map(candidate: Candidate) -> str | None:
    """A T1, T2, T2* or extracellular volume map, or the images that one is made of."""
    kinds = {"T1", "T2", "T2_STAR", "T2STAR", "ECV", "R1", "R2", "R2_STAR", "T1 MAP", "T2 MAP"}
    of_type = kinds & set(candidate.protocol.image_type)
    if of_type or any("MAP" in value.split() for value in candidate.protocol.image_type):
        return f"its image type says {', '.join(sorted(of_type)) or 'MAP'}: a map"
    several = several_contrasts(candidate)
    return several or _says(wording.MAP, spoken(candidate), "a map or what one is made of")


def several_contrasts(candidate: Candidate) -> str | None:
    """Several inversion or echo times in one place, as of maps' sources and of TI scouts."""
    for frames in candidate.stack.slices[:1]:
        times = {frame.inversion_ms for frame in frames} - {None}
        echoes = {frame.echo_ms for frame in frames} - {None}
        if len(times) > 2:
            return f"one slice has {len(times)} inversion times, as a TI scout or a T1 map has"
        if len(echoes) > 2:
            return f"one slice has {len(echoes)} echo times, as a T2 or T2* map has"
    return None


def is_derived(candidate: Candidate) -> str | None:
    """Made from other images, in a plane of its own, or in colours."""
    protocol = candidate.protocol
    remade = {"MPR", "MIP", "PROJECTION IMAGE", "REFORMATTED", "CSA MPR", "SUBTRACTION", "SUB"}
    if protocol.n_samples > 1:
        return "it is in colours, so no image that a scanner measures"
    if found := remade & set(protocol.image_type):
        return f"its image type says {', '.join(sorted(found))}: made from other images"
    if protocol.image_type[:2] == ("DERIVED", "SECONDARY") and protocol.component == "magnitude":
        return "its image type says DERIVED SECONDARY: made from other images"
    return None


def is_other_component(candidate: Candidate) -> str | None:
    """A phase, real or imaginary image."""
    component = candidate.protocol.component
    return None if component in ("magnitude", "phase-sensitive") else f"it is a {component} image"


def is_other(candidate: Candidate) -> str | None:
    """Perfusion, flow, tagging and others, by description; series longer than a heartbeat."""
    last_ms = max((frame.trigger_ms or 0 for frame in candidate.stack.frames), default=0)
    if candidate.stack.n_phases >= FEWEST_PHASES and last_ms > LONGEST_HEARTBEAT_MS:
        return f"its images go on for {last_ms / 1000:.0f} s, as of perfusion, not for a heartbeat"
    return _says(wording.OTHER, spoken(candidate), "another kind of examination")


def is_stack(candidate: Candidate) -> str | None:
    """Three slices or more."""
    n_slices = len(candidate.stack.slices)
    return f"it has {n_slices} parallel slices" if n_slices >= 3 else None


def is_single_slice(candidate: Candidate) -> str | None:
    """One slice."""
    return "it is a single slice" if len(candidate.stack.slices) == 1 else None


def has_balanced_name(candidate: Candidate) -> str | None:
    """TrueFISP, FIESTA, balanced FFE or TFE, True SSFP."""
    found = wording.BALANCED.search(named(candidate)) or wording.BALANCED.search(spoken(candidate))
    return f"its sequence is named {found[0]!r}: balanced SSFP" if found else None


def is_steady_state(candidate: Candidate) -> str | None:
    """Gradient echoes in a steady state, not spoiled, by the standard's code strings."""
    protocol = candidate.protocol
    if "GR" in protocol.scanning_sequence and "SS" in protocol.sequence_variant:
        return None if "SP" in protocol.sequence_variant else "its gradient echoes are steady-state"
    return None


def has_bssfp_times(candidate: Candidate) -> str | None:
    """A short echo time at a large flip angle."""
    echo_ms, flip = candidate.stack.frames[0].echo_ms, candidate.protocol.flip_angle_deg
    if echo_ms is None or flip is None or echo_ms > BSSFP_ECHO_MS or flip < BSSFP_FLIP_DEG:
        return None
    return f"echo time {echo_ms:.1f} ms at a flip angle of {flip:.0f}°, as balanced SSFP has"


def is_cine(candidate: Candidate) -> str | None:
    """Many phases of each slice."""
    n_phases = candidate.stack.n_phases
    return f"it has {n_phases} phases of a heartbeat" if n_phases >= FEWEST_PHASES else None


def says_cine(candidate: Candidate) -> str | None:
    """By description."""
    return _says(wording.CINE, spoken(candidate), "a cine")


def says_lge(candidate: Candidate) -> str | None:
    """By description."""
    return _says(wording.LGE, spoken(candidate), "late enhancement")


def has_lge_name(candidate: Candidate) -> str | None:
    """TurboFLASH, MDE and the like."""
    found = wording.LGE_NAMES.search(named(candidate))
    return f"its sequence is named {found[0]!r}, as late enhancement's is" if found else None


def has_lge_inversion(candidate: Candidate) -> str | None:
    """An inversion time that nulls myocardium after contrast, read by gradient echoes."""
    frame = candidate.stack.frames[0]
    low, high = LGE_INVERSION_MS
    if is_spin_echo(candidate) or (frame.echo_ms or 0) > LONGEST_GRADIENT_ECHO_MS:
        return None
    if frame.inversion_ms is None:
        inverted = "IR" in candidate.protocol.scanning_sequence
        return "its gradient echoes follow an inversion" if inverted else None
    if not low <= frame.inversion_ms <= high:
        return None
    return f"inversion time {frame.inversion_ms:.0f} ms, read by gradient echoes"


def is_inverted(candidate: Candidate) -> str | None:
    """Any inversion."""
    inverted = candidate.stack.frames[0].inversion_ms or 0
    told = "IR" in candidate.protocol.scanning_sequence or inverted > 0
    return "it follows an inversion pulse" if told else None


def is_phase_sensitive(candidate: Candidate) -> str | None:
    """Of a pair, the magnitude is taken."""
    if candidate.protocol.component != "phase-sensitive":
        return None
    return "it is phase-sensitive; the magnitude is taken where there is one"


def is_spin_echo(candidate: Candidate) -> str | None:
    """Spin echoes, by the standard's code strings."""
    told = "SE" in candidate.protocol.scanning_sequence
    return "its echoes are spin echoes" if told else None


def has_t2_echo(candidate: Candidate) -> str | None:
    """A long echo time."""
    echo_ms = candidate.stack.frames[0].echo_ms
    low, high = T2_ECHO_MS
    told = echo_ms is not None and low <= echo_ms <= high
    return f"echo time {echo_ms:.0f} ms, as T2-weighted images have" if told else None


def has_t2_train(candidate: Candidate) -> str | None:
    """A train of spin echoes."""
    length = candidate.protocol.echo_train_length or 0
    if length < 5 or not (is_spin_echo(candidate) or has_t2_echo(candidate)):
        return None
    return f"it has trains of {length} echoes"


def has_t2_name(candidate: Candidate) -> str | None:
    """Turbo spin echo, fast spin echo, turbo inversion recovery."""
    found = wording.T2_NAMES.search(named(candidate))
    return f"its sequence is named {found[0]!r}: fast spin echoes" if found else None


def says_t2(candidate: Candidate) -> str | None:
    """By description."""
    return _says(wording.T2, spoken(candidate), "T2-weighted")


def says_t2_prepared(candidate: Candidate) -> str | None:
    """Bright-blood T2, by description."""
    found = wording.T2_PREPARED.search(spoken(candidate)) or wording.T2_PREPARED.search(
        named(candidate)
    )
    return f"it is called {found[0]!r}: prepared for T2" if found else None


def is_one_phase(candidate: Candidate) -> str | None:
    """One image of each slice."""
    return "it has one phase" if candidate.stack.n_phases == 1 else None
