"""A seed and a vendor in, the attributes that all instances of a simulated study share out."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import UID

from myoseg.cases.dicom.simulated.series import Vendor
from myoseg.cases.dicom.simulated.uids import simulated_uid
from myoseg.cases.dicom.simulated.vendors import EQUIPMENT

STUDY_DATE: Final = "20000101"
STUDY_TIME: Final = "080000"
FIRST_SERIES_MINUTE: Final = 5
FIELD_STRENGTH_T: Final = 1.5
IMAGING_FREQUENCY_MHZ: Final = 63.87
NOT_A_PATIENT: Final = "Simulated; no person was scanned"


@dataclass(frozen=True)
class SimulatedPatient:
    """Whose study it is: nobody's.

    Attributes:
        seed: from which name, number and identifiers follow.
        vendor: whose scanner is imitated.
    """

    seed: int
    vendor: Vendor

    @property
    def study_uid(self) -> UID:
        """StudyInstanceUID."""
        return self.uid("study")

    def uid(self, *labels: object) -> UID:
        """An identifier of this study; other vendors' versions of it have others."""
        return simulated_uid(self.seed, self.vendor, *labels)


def study_attributes(patient: SimulatedPatient) -> Dataset:
    """The patient, study, frame of reference and equipment modules (DICOM PS3.3, C.7)."""
    shared = Dataset()
    shared.SpecificCharacterSet = "ISO_IR 192"
    shared.PatientName = f"Simulated^{patient.seed:05d}"
    shared.PatientID = f"SIM{patient.seed:05d}"
    shared.PatientBirthDate = ""
    shared.PatientSex = "O"
    shared.PatientComments = NOT_A_PATIENT
    shared.PatientIdentityRemoved = "YES"
    shared.DeidentificationMethod = NOT_A_PATIENT
    shared.StudyInstanceUID = patient.study_uid
    shared.StudyDate, shared.StudyTime = STUDY_DATE, STUDY_TIME
    shared.StudyID = str(patient.seed)
    shared.StudyDescription = "Simulated cardiac MR"
    shared.ReferringPhysicianName = ""
    shared.AccessionNumber = ""
    shared.FrameOfReferenceUID = patient.uid("frame of reference")
    shared.PositionReferenceIndicator = ""
    _add_equipment(shared, patient.vendor)
    return shared


def _add_equipment(shared: Dataset, vendor: Vendor) -> None:
    equipment = EQUIPMENT[vendor]
    shared.Manufacturer = equipment.manufacturer
    shared.ManufacturerModelName = f"{equipment.model} (simulated)"
    shared.SoftwareVersions = f"myoseg {version('myoseg')}"
    shared.DeviceSerialNumber = "0"
    shared.InstitutionName = "myoseg phantom"
    shared.Modality = "MR"
    shared.MagneticFieldStrength = FIELD_STRENGTH_T


def series_time(number: int, seconds: float = 0.0) -> str:
    """The time at which the series of this number was acquired, a minute after the one before."""
    minutes = FIRST_SERIES_MINUTE + number
    whole = 8 * 3600 + minutes * 60 + seconds
    return f"{int(whole) // 3600:02d}{int(whole) // 60 % 60:02d}{whole % 60:09.6f}"
