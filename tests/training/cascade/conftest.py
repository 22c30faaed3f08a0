import pytest

from myoseg.training.cascade.recipe import load_cascade_recipe

TINY = (
    "stages.anatomy.size_px=32",
    "stages.anatomy.channels=[4, 8]",
    "stages.anatomy.schedule.n_steps=4",
    "stages.anatomy.schedule.batch_size=2",
    "stages.anatomy.schedule.saved_every=2",
    "stages.pathology.size_px=32",
    "stages.pathology.channels=[4, 8]",
    "stages.pathology.schedule.n_steps=4",
    "stages.pathology.schedule.batch_size=2",
    "stages.pathology.schedule.saved_every=2",
)


@pytest.fixture
def tiny_recipe():
    """The default recipe with networks and schedules of no size."""
    return load_cascade_recipe("default", TINY)
