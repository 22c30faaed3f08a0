"""How the data sets of the field name their files and labels: one entry of data for each.

To read a further data set, add a `Layout` to `LAYOUTS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from myoseg.anatomy import Sequence
from myoseg.cases.case_files import Role
from myoseg.cases.labels import (
    ACDC,
    AUTOFD,
    CARE,
    CONSECUTIVE,
    EMIDEC,
    MS_CMRSEG,
    MYOPS,
    LabelCoding,
)

SEQUENCE_NAMES: Final[dict[str, Sequence]] = {
    "bssfp": Sequence.BSSFP,
    "c0": Sequence.BSSFP,
    "cine": Sequence.BSSFP,
    "ssfp": Sequence.BSSFP,
    "de": Sequence.LGE,
    "lge": Sequence.LGE,
    "psir": Sequence.LGE,
    "t2": Sequence.T2,
    "t2w": Sequence.T2,
}
"""What data sets call the sequences, in lower case."""


@dataclass(frozen=True)
class Layout:
    """How a data set names its files.

    Patterns are regular expressions on the whole path from the data folder's parent, so that the
    folder's own name counts, with "/" between folders, without .nii or .nii.gz, in any case. They
    name groups: `root`, folders above the data set, which keep two copies apart; `case`, by
    default the folder's name; `patient`, by default the case; `sequence`, a key of `sequences`
    ("" where the pattern has no such group). `roles` are tried in turn.
    """

    name: str
    description: str
    images: str
    labels: str
    codings: tuple[LabelCoding, ...]
    sequences: Mapping[str, Sequence]
    roles: tuple[tuple[str, Role], ...] = ()
    skipped: str | None = None


_ROOT = r"(?P<root>(?:[^/]+/)*?)"
_ANY_SEQUENCE = "(?P<sequence>" + "|".join(SEQUENCE_NAMES) + ")"
_LABELS = r"(?:gd|gt|manual|seg|label|labels|mask)"
_MYOPS_CASE = _ROOT + r"(?:(?:train|test)[^/]*/)?(?P<case>myops_(?:training|test)_\d+)"
_ACDC_CASE = _ROOT + r"(?:patient\d+/)?(?P<case>(?P<patient>patient\d+)_frame\d+)"

MYOPS_2020: Final = Layout(
    name="myops",
    description="train25/myops_training_101_{C0,DE,T2}.nii.gz, train25_myops_gd/..._gd.nii.gz",
    images=_MYOPS_CASE + "_(?P<sequence>C0|DE|LGE|T2)",
    labels=_MYOPS_CASE + "_gd",
    codings=(MYOPS,),
    sequences=SEQUENCE_NAMES,
    roles=(
        (r"(?:.*/)?train\d*/[^/]+", "train"),
        (r"(?:.*/)?test\d*/[^/]+", "test"),
        (r".*myops_(?:test_\d+|training_2\d\d)_[^/]+", "test"),
        (r".*myops_training_\d+_[^/]+", "train"),
    ),
)
"""MyoPS 2020; some copies call the test files myops_training_2xx."""

NNUNET: Final = Layout(
    name="nnunet",
    description="imagesTr/NAME_0000.nii.gz, labelsTr/NAME.nii.gz, dataset.json",
    images=r"[^/]+/images(?:Tr|Ts)/(?P<case>[^/]+)_(?P<sequence>\d{4})",
    labels=r"[^/]+/labels(?:Tr|Ts)/(?P<case>[^/]+)",
    codings=(),
    sequences={},
    roles=((r".*/imagesTr/[^/]+", "train"), (r".*/imagesTs/[^/]+", "test")),
)
"""nnU-Net; `nnunet.nnunet_layout` fills in channels and labels from the dataset.json."""

LAYOUTS: Final = (
    MYOPS_2020,
    Layout(
        name="care",
        description="CenterA/Case1001/Case1001_{C0,LGE,T2,gd}.nii.gz",
        images=_ROOT + r"(?P<case>Case\d+)/(?P=case)_(?P<sequence>C0|LGE|T2)",
        labels=_ROOT + r"(?P<case>Case\d+)/(?P=case)_gd",
        codings=(CARE,),
        sequences=SEQUENCE_NAMES,
    ),
    Layout(
        name="acdc",
        description="patient001/patient001_frame01.nii.gz, patient001/patient001_frame01_gt.nii.gz",
        images=_ACDC_CASE,
        labels=_ACDC_CASE + "_gt",
        codings=(ACDC,),
        sequences={"": Sequence.BSSFP},
        roles=((r"(?:.*/)?training/.+", "train"), (r"(?:.*/)?testing/.+", "test")),
        skipped=r".*patient\d+_4d",
    ),
    Layout(
        name="emidec",
        description="Case_P001/Images/Case_P001.nii.gz, Case_P001/Contours/Case_P001.nii.gz",
        images=_ROOT + r"(?P<case>[^/]+)/Images/(?P=case)",
        labels=_ROOT + r"(?P<case>[^/]+)/Contours/(?P=case)",
        codings=(EMIDEC,),
        sequences={"": Sequence.LGE},
    ),
    Layout(
        name="autofd",
        description="autofd_A_C0.nii.gz, autofd_A_gd.nii.gz",
        images=_ROOT + r"(?P<case>autofd_[^/]+)_C0",
        labels=_ROOT + r"(?P<case>autofd_[^/]+)_gd",
        codings=(AUTOFD,),
        sequences={"": Sequence.BSSFP},
    ),
    Layout(
        name="ms_cmrseg",
        description="patient1_{C0,T2,LGE}.nii.gz on one grid, patient1_manual.nii.gz",
        images=_ROOT + r"(?P<case>patient\d+)_(?P<sequence>C0|LGE|T2)",
        labels=_ROOT + r"(?P<case>patient\d+)_manual",
        codings=(MS_CMRSEG,),
        sequences=SEQUENCE_NAMES,
    ),
    Layout(
        name="ms_cmrseg",
        description="patient1_C0.nii.gz, patient1_C0_manual.nii.gz: each sequence its own case",
        images=_ROOT + r"(?P<case>(?P<patient>patient\d+)_(?P<sequence>C0|LGE|T2))",
        labels=_ROOT + r"(?P<case>(?P<patient>patient\d+)_(?:C0|LGE|T2))_manual",
        codings=(MS_CMRSEG,),
        sequences=SEQUENCE_NAMES,
    ),
    Layout(
        name="plain",
        description="NAME_{bssfp,C0,LGE,DE,T2}.nii.gz, NAME_{gd,gt,manual,seg,label}.nii.gz",
        images=rf"(?P<root>(?:[^/]+/)*)(?P<case>[^/]+?)[_-]{_ANY_SEQUENCE}",
        labels=rf"(?P<root>(?:[^/]+/)*)(?P<case>[^/]+?)[_-]{_LABELS}",
        codings=(MYOPS, CONSECUTIVE),
        sequences=SEQUENCE_NAMES,
    ),
    Layout(
        name="plain",
        description="NAME/{bssfp,C0,LGE,DE,T2}.nii.gz, NAME/{gd,gt,manual,seg,label}.nii.gz",
        images=rf"{_ROOT}(?P<case>[^/]+)/{_ANY_SEQUENCE}",
        labels=rf"{_ROOT}(?P<case>[^/]+)/{_LABELS}",
        codings=(MYOPS, CONSECUTIVE),
        sequences=SEQUENCE_NAMES,
    ),
    NNUNET,
)
"""The layouts that are known; of several that explain as many files, the first is chosen."""
