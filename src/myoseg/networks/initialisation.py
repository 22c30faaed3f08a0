"""Initial weights as the paper's framework, Keras, draws them."""

from torch import nn


def initialise_as_keras(module: nn.Module) -> None:
    """Glorot uniform weights and zero biases for every convolution and dense layer, in place.

    Draws from torch's global generator. Normalisation layers keep scale 1 and shift 0, the default
    of both frameworks.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
