"""The package from Python: one case segmented, cohorts evaluated, cases simulated, models trained.

>>> import myoseg
>>> case = myoseg.phantom(seed=0)
>>> case.n_slices >= 2
True
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import nibabel as nib
import numpy as np
from jaxtyping import Int16

from myoseg.anatomy import Sequence
from myoseg.cases.case import Case, Segmentation
from myoseg.cases.layouts import case_from_files, find_cases, read_case
from myoseg.cases.nifti import volume_from_image
from myoseg.cases.grids import require_same_grid
from myoseg.cases.phantom import PhantomConfig, simulate_case
from myoseg.cohort import save_segmentation
from myoseg.errors import InputError
from myoseg.prediction.model import Model, load_model
from myoseg.prediction.segment import segment as segment_case
from myoseg.quantification.evaluate import evaluate
from myoseg.quantification.volumes import statistics_record
from myoseg.training.fit import train as train_on_cases
from myoseg.training.recipe import Recipe, load_recipe

__all__ = ["Result", "evaluate", "load_model", "phantom", "segment", "train"]
