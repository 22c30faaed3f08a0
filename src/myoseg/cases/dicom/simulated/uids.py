"""A seed and a label in, a valid unique identifier out, the same each time."""

from typing import Final
from uuid import UUID, uuid5

from pydicom.uid import UID

NAMESPACE: Final = UUID("8d5b3c1e-6a0f-5c5e-9a43-52a1b6f0c7d4")
"""What all identifiers of simulated studies are derived from; it stands for nothing else."""


def simulated_uid(seed: int, *labels: object) -> UID:
    """An identifier under the root 2.25, which needs no registration (DICOM PS3.5, annex B.2).

    It is 2.25 and the decimal value of a name-based UUID (version 5, RFC 9562) of the seed and the
    labels, so that one study's identifiers agree from file to file and differ between studies.

    >>> simulated_uid(0, "study") == simulated_uid(0, "study") != simulated_uid(1, "study")
    True
    """
    name = "/".join(str(each) for each in (seed, *labels))
    return UID(f"2.25.{uuid5(NAMESPACE, name).int}")
