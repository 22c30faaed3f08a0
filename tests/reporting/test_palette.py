from itertools import combinations

import numpy as np
import pytest

from myoseg.anatomy import MYOCARDIUM, REGIONS, Sequence, Tissue
from myoseg.reporting.palette import (
    ABBREVIATIONS,
    COLOURS,
    SEQUENCE_TITLES,
    colour_of,
    title_of,
)

# Machado, Oliveira, Fernandes: A physiologically-based model for simulation of color vision
# deficiency, IEEE TVCG 15(6), 2009: severity 1.0, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
JUST_NOTICEABLE = 2.3
"""Distance in CIELAB (Mahy et al., 1994)."""


def linear_rgb(colour):
    stored = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)


def cielab(rgb):
    """CIE 1976 L*a*b* under D65."""
    to_xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    relative = np.array(to_xyz) @ rgb / [0.95047, 1, 1.08883]
    x, y, z = np.where(
        relative > 216 / 24389, np.cbrt(relative), (24389 / 27 * relative + 16) / 116
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def seen(colour, vision):
    return cielab(np.clip(np.array(VISION[vision]) @ linear_rgb(colour), 0, 1))


def test_the_conversion_gives_the_known_values_of_red():
    assert np.allclose(cielab(linear_rgb("#ff0000")), [53.24, 80.09, 67.20], atol=0.02)


@pytest.mark.parametrize("vision", VISION)
def test_tissues_differ_by_ten_noticeable_steps_for_every_vision(vision):
    for one, other in combinations(COLOURS.values(), 2):
        distance = np.linalg.norm(seen(one, vision) - seen(other, vision))
        assert distance > 10 * JUST_NOTICEABLE, (one, other)


@pytest.mark.parametrize("vision", VISION)
def test_every_tissue_stands_out_from_black(vision):
    for colour in COLOURS.values():
        assert np.linalg.norm(seen(colour, vision)) > 10 * JUST_NOTICEABLE


def test_every_tissue_region_and_sequence_has_its_colour_and_name():
    assert set(COLOURS) == set(Tissue)
    assert set(ABBREVIATIONS) == set(REGIONS)
    assert set(SEQUENCE_TITLES) == set(Sequence)


def test_a_group_takes_colour_and_name_of_what_it_is():
    assert colour_of(MYOCARDIUM) == COLOURS[Tissue.NORMAL_MYOCARDIUM]
    assert title_of(MYOCARDIUM) == "myocardium"
    assert title_of(REGIONS["edema+scar"]) == "edema + scar"
    assert title_of(frozenset({Tissue.RV_BLOOD_POOL})) == "RV blood pool"
