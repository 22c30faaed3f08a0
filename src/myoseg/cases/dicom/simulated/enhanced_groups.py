"""A simulated series in, the functional groups that all frames of its enhanced object share out."""

from typing import Final, NamedTuple

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.coding import Code

from myoseg.cases.dicom.simulated.classic import window
from myoseg.cases.dicom.simulated.patient import IMAGING_FREQUENCY_MHZ
from myoseg.cases.dicom.simulated.planes import decimals, planes_of
from myoseg.cases.dicom.simulated.series import SimulatedSeries
from myoseg.cases.dicom.simulated.stored import Stored

SAR_W_PER_KG: Final = 1.5
GRADIENT_OUTPUT: Final = 20.0
BANDWIDTH_HZ: Final = 900.0


class EnhancedTerms(NamedTuple):
    """What enhanced objects say in coded terms of an acquisition (DICOM PS3.3, C.8.13)."""

    image_type: tuple[str, ...]
    contrast: str
    component: str
    echo_pulse_sequence: str
    steady_state: str
    inversion: bool

    @property
    def is_original(self) -> bool:
        """Whether the frames were acquired, not computed."""
        return self.image_type[0] == "ORIGINAL"


def enhanced_terms(series: SimulatedSeries) -> EnhancedTerms:
    """The terms, from how the series is described."""
    described = series.attributes
    inverted = "IR" in described.scanning_sequence
    is_spin_echo = described.timing.echo_train_length > 1
    is_map = described.image_type[0] == "DERIVED"
    return EnhancedTerms(
        image_type=(described.image_type[0], "PRIMARY", "CARDIAC", "OTHER" if is_map else "NONE"),
        contrast=_contrast(series, inverted=inverted, is_spin_echo=is_spin_echo),
        component="REAL" if series.is_signed else "MAGNITUDE",
        echo_pulse_sequence="SPIN" if is_spin_echo else "GRADIENT",
        steady_state="NONE" if inverted else "FREE_PRECESSION",
        inversion=inverted,
    )


def add_frame_terms(target: Dataset, terms: EnhancedTerms) -> None:
    """Adds the MR Image Description macro (C.8.13.3.2)."""
    target.PixelPresentation = "MONOCHROME"
    target.VolumetricProperties = "VOLUME"
    target.VolumeBasedCalculationTechnique = "NONE"
    target.ComplexImageComponent = terms.component
    target.AcquisitionContrast = terms.contrast


def shared_groups(series: SimulatedSeries, terms: EnhancedTerms, pixels: Stored) -> Dataset:
    """The shared functional groups: measures, orientation, intensities, and the acquisition's."""
    groups = Dataset()
    groups.PixelMeasuresSequence = Items([_measures(series)])
    orientation = Dataset()
    orientation.ImageOrientationPatient = planes_of(series.geometry)[0].orientation
    groups.PlaneOrientationSequence = Items([orientation])
    groups.FrameAnatomySequence = Items([_anatomy()])
    groups.PixelValueTransformationSequence = Items([_transformation(pixels)])
    groups.FrameVOILUTSequence = Items([window(pixels)])
    frame_type = Dataset()
    frame_type.FrameType = list(terms.image_type)
    add_frame_terms(frame_type, terms)
    groups.MRImageFrameTypeSequence = Items([frame_type])
    groups.MRTimingAndRelatedParametersSequence = Items([_timing(series)])
    groups.MRFOVGeometrySequence = Items([_field_of_view(series)])
    groups.MREchoSequence = Items([_echo(series)])
    groups.MRModifierSequence = Items([_modifier(series, terms)])
    groups.MRImagingModifierSequence = Items([_imaging_modifier(series)])
    groups.MRReceiveCoilSequence = Items([_receive_coil()])
    groups.MRTransmitCoilSequence = Items([_transmit_coil()])
    averages = Dataset()
    averages.NumberOfAverages = 1
    groups.MRAveragesSequence = Items([averages])
    return groups


def _contrast(series: SimulatedSeries, *, inverted: bool, is_spin_echo: bool) -> str:
    if is_spin_echo:
        return "STIR" if inverted else "T2"
    if inverted:
        return "T1"
    return "T2" if "MP" in series.attributes.sequence_variant else "UNKNOWN"


def _measures(series: SimulatedSeries) -> Dataset:
    measures = Dataset()
    measures.PixelSpacing = decimals(*planes_of(series.geometry)[0].spacing_mm)
    measures.SliceThickness = decimals(series.thickness_mm)[0]
    if series.geometry.shape[0] > 1:
        measures.SpacingBetweenSlices = decimals(series.geometry.spacing_mm[0])[0]
    return measures


def _anatomy() -> Dataset:
    anatomy = Dataset()
    anatomy.FrameLaterality = "U"
    anatomy.AnatomicRegionSequence = Items([_coded(Code("80891009", "SCT", "Heart"))])
    return anatomy


def _coded(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def _transformation(pixels: Stored) -> Dataset:
    transformation = Dataset()
    transformation.RescaleIntercept = pixels.intercept
    transformation.RescaleSlope = pixels.slope
    transformation.RescaleType = "US"
    return transformation


def _timing(series: SimulatedSeries) -> Dataset:
    described, timing = series.attributes.timing, Dataset()
    timing.RepetitionTime = decimals(described.tr_ms)[0]
    timing.FlipAngle = decimals(described.flip_angle_deg)[0]
    timing.EchoTrainLength = described.echo_train_length
    timing.RFEchoTrainLength = described.echo_train_length
    timing.GradientEchoTrainLength = 0 if described.echo_train_length > 1 else 1
    rate = Dataset()
    rate.SpecificAbsorptionRateDefinition = "IEC_WHOLE_BODY"
    rate.SpecificAbsorptionRateValue = SAR_W_PER_KG
    timing.SpecificAbsorptionRateSequence = Items([rate])
    timing.GradientOutputType = "DB_DT"
    timing.GradientOutput = GRADIENT_OUTPUT
    mode = Dataset()
    mode.OperatingModeType, mode.OperatingMode = "RF", "IEC_NORMAL"
    timing.OperatingModeSequence = Items([mode])
    return timing


def _field_of_view(series: SimulatedSeries) -> Dataset:
    _, rows, cols = series.geometry.shape
    field = Dataset()
    field.InPlanePhaseEncodingDirection = "COLUMN"
    field.MRAcquisitionFrequencyEncodingSteps = cols
    field.MRAcquisitionPhaseEncodingStepsInPlane = rows
    field.MRAcquisitionPhaseEncodingStepsOutOfPlane = 1
    field.PercentSampling = 100
    field.PercentPhaseFieldOfView = decimals(round(100 * rows / cols, 2))[0]
    return field


def _echo(series: SimulatedSeries) -> Dataset:
    echo = Dataset()
    echo.EffectiveEchoTime = series.attributes.timing.te_ms
    return echo


def _modifier(series: SimulatedSeries, terms: EnhancedTerms) -> Dataset:
    modifier, ti_ms = Dataset(), series.attributes.timing.ti_ms
    modifier.InversionRecovery = "YES" if terms.inversion else "NO"
    if terms.inversion and ti_ms is not None:
        modifier.InversionTimes = [ti_ms]
    modifier.FlowCompensation = "NONE"
    modifier.Spoiling = "RF" if terms.steady_state == "NONE" else "NONE"
    modifier.T2Preparation = "YES" if _contrast_is_prepared(terms) else "NO"
    modifier.SpectrallySelectedExcitation = "NONE"
    modifier.SpatialPresaturation = "NONE"
    modifier.PartialFourier = "NO"
    modifier.ParallelAcquisition = "NO"
    return modifier


def _contrast_is_prepared(terms: EnhancedTerms) -> bool:
    return terms.contrast == "T2" and terms.echo_pulse_sequence == "GRADIENT"


def _imaging_modifier(series: SimulatedSeries) -> Dataset:
    modifier = Dataset()
    modifier.MagnetizationTransfer = "NONE"
    modifier.BloodSignalNulling = "YES" if series.attributes.timing.echo_train_length > 1 else "NO"
    modifier.Tagging = "NONE"
    modifier.TransmitterFrequency = IMAGING_FREQUENCY_MHZ
    modifier.PixelBandwidth = decimals(BANDWIDTH_HZ)[0]
    return modifier


def _receive_coil() -> Dataset:
    coil, element = Dataset(), Dataset()
    coil.ReceiveCoilName = "SIMULATED"
    coil.ReceiveCoilManufacturerName = ""
    coil.ReceiveCoilType = "MULTICOIL"
    coil.QuadratureReceiveCoil = "NO"
    element.MultiCoilElementName = "1"
    element.MultiCoilElementUsed = "YES"
    coil.MultiCoilDefinitionSequence = Items([element])
    return coil


def _transmit_coil() -> Dataset:
    coil = Dataset()
    coil.TransmitCoilName = "SIMULATED"
    coil.TransmitCoilManufacturerName = ""
    coil.TransmitCoilType = "BODY"
    return coil
