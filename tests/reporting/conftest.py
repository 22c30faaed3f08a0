"""A heart drawn with rings, and scores written by hand."""

from html.parser import HTMLParser

import numpy as np
import pytest

from myoseg.anatomy import Sequence, Tissue
from myoseg.cases.case import Case, Geometry, LabelMap
from myoseg.quantification.region_score import RegionScore

PLANE = (48, 40)
AFFINE = np.diag([-1.0, -1.0, 10.0, 1.0])


@pytest.fixture
def ring_labels():
    """Makes a heart of rings with its scar on the side of large columns, moved down by rows."""

    def make(n_slices=2, shift_px=0):
        row, col = np.mgrid[: PLANE[0], : PLANE[1]]
        radius = np.hypot(row - 20 - shift_px, col - 20)
        plane = np.zeros(PLANE, np.int16)
        plane[np.hypot(row - 20 - shift_px, col - 8) < 6] = Tissue.RV_BLOOD_POOL
        plane[radius < 10] = Tissue.NORMAL_MYOCARDIUM
        plane[(radius < 10) & (col > 24)] = Tissue.EDEMA
        plane[(radius < 8) & (col > 25)] = Tissue.SCAR
        plane[radius < 5] = Tissue.LV_BLOOD_POOL
        return LabelMap(np.stack([plane] * n_slices))

    return make


@pytest.fixture
def ring_case(ring_labels):
    """Makes the case of `ring_labels` with any sequences."""

    def make(sequences=tuple(Sequence), n_slices=2):
        codes = ring_labels(n_slices).codes
        images = {sequence: codes.astype(np.float32) for sequence in sequences}
        return Case("ring", images, Geometry(codes.shape, AFFINE))

    return make


@pytest.fixture
def scored():
    """Makes scores of one region from a mapping of case to Dice (None: empty on both sides)."""

    def make(dice_by_case, region="scar"):
        return [
            RegionScore(
                case=case,
                region=region,
                dice=dice,
                jaccard=None if dice is None else dice / (2 - dice),
                hd95_mm=None,
                assd_mm=None,
                volume_true_ml=0.0 if dice is None else 1.0,
                volume_pred_ml=0.0 if dice is None else 1.0,
            )
            for case, dice in dice_by_case.items()
        ]

    return make


class Page(HTMLParser):
    """A page taken apart: its elements with their attributes, and its words."""

    VOID = frozenset({"meta", "link", "img", "input", "br"})
    SILENT = frozenset({"style", "script"})

    def __init__(self, html):
        super().__init__()
        self.elements = []
        self.words = []
        self.open = []
        self.feed(html)
        self.close()
        assert self.open == [], "elements that are not closed"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} closes another element"

    def handle_data(self, data):
        if self.open and self.open[-1] not in self.SILENT:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def all(self, tag, **attributes):
        """The attributes of each such element that has these."""
        return [a for t, a in self.elements if t == tag and attributes.items() <= a.items()]

    @property
    def addresses(self):
        """Everything that a browser would fetch, or go to."""
        return [a[key] for _, a in self.elements for key in ("src", "href") if key in a]


@pytest.fixture
def page_of():
    """Takes HTML apart; fails where elements are not nested."""
    return Page
