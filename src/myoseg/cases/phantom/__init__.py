"""Simulated cases: seeds in, labelled three-sequence cases out, on one grid or each on its own.

`simulate_case` gives a case like those of MyoPS 2020, aligned on a common grid; `simulate_study`
gives what a scanner would: each sequence on its own oblique grid in any of the eight orientations,
truth on each grid, and the shifts between breath-holds.

What they have of the acquisition: the signal equations at 1.5 T of bSSFP, of LGE as a magnitude or
phase-sensitive, of dark-blood STIR and of bright-blood T2 preparation; partial volume in plane and
through the slice; k-space cut at the acquired resolution, with ringing, and filled with zeros; coil
sensitivity; Rician noise; bands of bSSFP off resonance; a missed inversion time; slow blood along
the wall and at the apex in dark blood; in-plane shifts between slices and between sequences.

What they lack of it: the heart's and the chest's motion within an acquisition (blurring, ghosts,
lost signal of a moving wall), movement through the plane and turning between breath-holds, the
heart moving against the chest, differences of the cardiac phase between sequences, flow in bSSFP,
aliasing, distortion, parallel imaging's uneven noise, and contrast washing out during LGE.

What they have of the anatomy: ventricles of many shapes, in diastole and systole, dilated,
hypertrophied or overloaded, with papillary muscles and trabeculae; atria and great vessels above
the base, fat and pericardium, infarcts in coronary territories with edema around and microvascular
obstruction within, and a torso. What they lack of it: other diseases of the heart, valves, coronary
arteries, scar that does not begin at the endocardium, and anatomy other than an adult's.
"""

from myoseg.cases.phantom.config import SMALL, GridRanges, PhantomConfig, clinical
from myoseg.cases.phantom.simulate import simulate_case
from myoseg.cases.phantom.study import Series, Study, simulate_study

__all__ = [
    "SMALL",
    "GridRanges",
    "PhantomConfig",
    "Series",
    "Study",
    "clinical",
    "simulate_case",
    "simulate_study",
]
