"""What several test modules share."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "myoseg", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("myoseg")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real development scans beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real scans at {folder}")
    return folder


@pytest.fixture(autouse=True, scope="session")
def _two_threads() -> None:
    """Tests run side by side; none takes the whole machine."""
    import torch

    torch.set_num_threads(1)
