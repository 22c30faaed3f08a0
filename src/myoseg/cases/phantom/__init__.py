"""Simulated cases: seeds in, labelled three-sequence cases out."""

from myoseg.cases.phantom.config import SMALL, PhantomConfig
from myoseg.cases.phantom.simulate import simulate_case

__all__ = ["SMALL", "PhantomConfig", "simulate_case"]
