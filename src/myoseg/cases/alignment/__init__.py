"""Sequences that scanners gave on grids of their own enter; images on one grid leave."""

from myoseg.cases.alignment.align import REFERENCES, Aligned, align
from myoseg.cases.alignment.in_plane import Freedom
from myoseg.cases.alignment.patches import Region
from myoseg.cases.alignment.record import Alignment, AlignmentRecord, SliceAlignment

__all__ = [
    "REFERENCES",
    "Aligned",
    "Alignment",
    "AlignmentRecord",
    "Freedom",
    "Region",
    "SliceAlignment",
    "align",
]
