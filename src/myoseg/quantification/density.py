"""The density of myocardium, by which volumes become masses."""

from typing import Final

MYOCARDIAL_DENSITY_G_PER_ML: Final = 1.05
"""Schulz-Menger et al., J Cardiovasc Magn Reson 2020;22:19; taken for diseased wall too."""
