"""Lightning, imported after torchvision's operators are there; nothing else imports it.

Lightning imports torchmetrics and that torchvision, whose operators may not load beside the torch
that is installed (`networks.torchvision_operators`).
"""

from myoseg.networks.torchvision_operators import ensure_torchvision

ensure_torchvision()

from lightning.fabric.plugins import CheckpointIO  # noqa: E402
from lightning.pytorch import Callback, LightningModule, Trainer  # noqa: E402
from lightning.pytorch.callbacks import TQDMProgressBar  # noqa: E402
from lightning.pytorch.loggers import TensorBoardLogger  # noqa: E402
from lightning.pytorch.utilities import rank_zero_only  # noqa: E402

__all__ = [
    "Callback",
    "CheckpointIO",
    "LightningModule",
    "TQDMProgressBar",
    "TensorBoardLogger",
    "Trainer",
    "rank_zero_only",
]
