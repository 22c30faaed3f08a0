"""What the reader knows of an image before its pixels are read: one `Frame` a slice and phase."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Component: TypeAlias = Literal["magnitude", "phase-sensitive", "phase", "real", "imaginary"]
Vector: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Protocol:
    """How an image was made; the frames of a series share it, so it is held once.

    Words are upper-case as DICOM's code strings are, except for the two descriptions. Numbers that
    the header does not tell are None.

    Attributes:
        sop_class_uid: what kind of object the image is.
        manufacturer: of the scanner.
        series_number: as the scanner counts.
        series_description: free text.
        protocol_name: free text.
        image_type: values 1 to 4 and those that scanners add.
        scanning_sequence: SE, GR, IR, EP, RM.
        sequence_variant: SS, SP, SK, MP, ...
        sequence_name: the scanner's own names of the sequence, joined by blanks.
        component: what of the complex image it shows.
        repetition_time_ms: between excitations; the phases' distance in some cines.
        echo_train_length: echoes an excitation.
        flip_angle_deg: of the excitation.
        n_phases: of the heartbeat, as the header states it.
        n_samples: 1 for grey, 3 for colours.
    """

    sop_class_uid: str = ""
    manufacturer: str = ""
    series_number: int | None = None
    series_description: str = ""
    protocol_name: str = ""
    image_type: tuple[str, ...] = ()
    scanning_sequence: tuple[str, ...] = ()
    sequence_variant: tuple[str, ...] = ()
    sequence_name: str = ""
    component: Component = "magnitude"
    repetition_time_ms: float | None = None
    echo_train_length: int | None = None
    flip_angle_deg: float | None = None
    n_phases: int | None = None
    n_samples: int = 1

    @property
    def description(self) -> str:
        """The series' description, or the protocol's name where there is none."""
        return self.series_description or self.protocol_name


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image lies in the patient, in DICOM's LPS millimetres.

    Attributes:
        position_mm: of the centre of the first pixel.
        along_row: unit vector from a pixel to the next of its row.
        along_col: unit vector from a pixel to the next of its column.
        spacing_mm: distance of rows, then of columns.
        thickness_mm: of the slice; None where it is not told.
    """

    position_mm: Vector
    along_row: Vector
    along_col: Vector
    spacing_mm: tuple[float, float]
    thickness_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One image: a whole classic instance, or one frame of a multi-frame instance.

    Attributes:
        path: of the file.
        series_uid: of its series.
        sop_instance_uid: of its instance.
        number: of the frame, from 1; None if the instance has no frames.
        shape: rows, columns.
        place: where it lies; None where the header does not tell, or not soundly.
        protocol: how it was made.
        trigger_ms: after the R wave.
        phase: index of the phase as the header counts.
        inversion_ms: inversion time.
        echo_ms: echo time.
        instance: number of the instance, or of the frame in it.
        taken_s: seconds of the day at which it was acquired.
    """

    path: Path
    series_uid: str
    sop_instance_uid: str
    number: int | None
    shape: tuple[int, int]
    place: Place | None
    protocol: Protocol
    trigger_ms: float | None = None
    phase: int | None = None
    inversion_ms: float | None = None
    echo_ms: float | None = None
    instance: int = 0
    taken_s: float = 0.0


@dataclass(frozen=True, eq=False)
class SeriesHeaders:
    """A series as its files tell it, in no order."""

    uid: str
    frames: tuple[Frame, ...]

    @property
    def protocol(self) -> Protocol:
        """That of the first image."""
        return self.frames[0].protocol


@dataclass(frozen=True, eq=False)
class StudyHeaders:
    """A study's series, by number."""

    uid: str
    series: tuple[SeriesHeaders, ...]
