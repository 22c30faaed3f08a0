"""Simulated cases: seeds in, labelled three-sequence cases on one grid out.

They are for demonstrations and tests. What they have: the signal equations of the three sequences
at 1.5 T, ventricles in a torso, an infarct in a coronary territory with edema around it, partial
volume in plane and through the slice, limited resolution, coil sensitivity and Rician noise. What
they lack: shifts between breath-holds and between sequences, structures above the base (atria,
outflow tracts), trabeculae, microvascular obstruction, slow flow in the dark-blood sequence,
banding and other artefacts, and anatomy beyond the short-axis contours of an adult heart.
"""

from myoseg.cases.phantom.config import SMALL, PhantomConfig
from myoseg.cases.phantom.simulate import simulate_case

__all__ = ["SMALL", "PhantomConfig", "simulate_case"]
