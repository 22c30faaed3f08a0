"""Probabilities of the networks that vote on a block in, one mask out (paper, section 2.4)."""

import numpy as np
from jaxtyping import Bool, Float32


def average(
    probabilities: Float32[np.ndarray, "network *stack"],
) -> Float32[np.ndarray, "*stack"]:
    """The mean of the networks' probabilities, pixel by pixel.

    Raises:
        ValueError: there is no network.
    """
    if not len(probabilities):
        raise ValueError("a mean of no networks was asked for; a block has at least one network")
    return np.asarray(probabilities.mean(axis=0, dtype=np.float64), dtype=np.float32)


def cut(values: Float32[np.ndarray, "*stack"]) -> Bool[np.ndarray, "*stack"]:
    """The paper's s(): the binary activation with threshold 0.5.

    A pixel is claimed where the value exceeds 0.5. At 0.5 itself it is not: a network that has
    nothing to say, as on an empty slice without biases, answers 0.5 everywhere.
    """
    return np.asarray(values > 0.5)
