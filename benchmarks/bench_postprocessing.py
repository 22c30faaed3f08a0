"""Section 2.5, largest component and holes of one mask of 256 x 256, against other libraries."""

import argparse

import numpy as np
import torch
from monai.transforms import FillHoles, KeepLargestConnectedComponent
from scipy import ndimage
from skimage.measure import label

from interleaved import print_table, time_in_turn, use_one_thread
from myoseg.block_tables import PAPER
from myoseg.prediction.postprocessing import postprocess

OURS = "myoseg"
SIZE_PX = 256


def main() -> None:
    """Times the clean-up of a blob with islands and holes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds")
    rounds = 25 if parser.parse_args().full else 7
    use_one_thread()
    mask = _blob(np.random.default_rng(0))
    block = next(block for block in PAPER.blocks if block.keep_largest)
    tensor = torch.from_numpy(mask[None])
    keep, fill = KeepLargestConnectedComponent(connectivity=2), FillHoles(connectivity=1)

    def ours() -> None:
        postprocess(mask, block)

    def scikit_image() -> None:
        components = label(mask, connectivity=2)
        sizes = np.bincount(components.ravel())
        sizes[0] = 0
        ndimage.binary_fill_holes(components == sizes.argmax())

    def scipy_alone() -> None:
        components, _ = ndimage.label(mask, structure=np.ones((3, 3)))
        sizes = np.bincount(components.ravel())
        sizes[0] = 0
        ndimage.binary_fill_holes(components == sizes.argmax())

    def monai() -> None:
        fill(keep(tensor))

    seconds = time_in_turn(
        {
            OURS: ours,
            "SciPy label and fill": scipy_alone,
            "scikit-image label, SciPy fill": scikit_image,
            "MONAI": monai,
        },
        rounds=rounds,
        calls={
            OURS: 200,
            "SciPy label and fill": 50,
            "scikit-image label, SciPy fill": 50,
            "MONAI": 10,
        },
    )
    print_table("Largest component and holes of a mask, one thread", seconds, OURS)


def _blob(rng: np.random.Generator) -> np.ndarray:
    """A disc with holes, among small islands."""
    rows, cols = np.indices((SIZE_PX, SIZE_PX)) - SIZE_PX / 2
    speckle = ndimage.gaussian_filter(rng.standard_normal((SIZE_PX, SIZE_PX)), 3)
    disc = np.hypot(rows, cols) < 60
    return (disc & (speckle > -0.12)) | (~disc & (speckle > 0.15))


if __name__ == "__main__":
    main()
