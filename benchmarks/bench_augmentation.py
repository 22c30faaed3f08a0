"""The random warp of section 2.1: three sequences and the labels of one slice of 256 x 256."""

import cv2
import numpy as np
import torch
from monai.transforms import Rand2DElastic
from scipy.interpolate import griddata
from scipy.ndimage import map_coordinates

from interleaved import print_table, time_in_turn
from myoseg.anatomy import Tissue
from myoseg.slices.augmentation import (
    Augmentation,
    draw_augmentation,
    source_coordinates,
    warp_images,
    warp_labels,
)

OURS = "myoseg"
SIZE_PX = 256


def main() -> None:
    """Times one slice's warp against how others do it."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    images = rng.random((3, SIZE_PX, SIZE_PX), dtype=np.float32)
    labels = _rings()
    drawn = draw_augmentation(rng, Augmentation())
    coordinates = source_coordinates(drawn, (SIZE_PX, SIZE_PX))
    elastic = Rand2DElastic(
        spacing=(32, 32), magnitude_range=(5, 5), prob=1.0, padding_mode="border"
    )
    channels = np.concatenate([images, labels[None].astype(np.float32)])

    def ours() -> None:
        field = source_coordinates(drawn, (SIZE_PX, SIZE_PX))
        warp_images(images, field)
        warp_labels(labels, field)

    def scipy_map_coordinates() -> None:
        for channel in channels:
            map_coordinates(channel, coordinates, order=1, mode="nearest")

    def scipy_griddata() -> None:
        grid = np.indices((SIZE_PX, SIZE_PX)).reshape(2, -1).T
        places = coordinates.reshape(2, -1).T
        for channel in channels:
            griddata(places, channel.ravel(), grid, method="linear")

    def monai_elastic() -> None:
        elastic(channels)

    seconds = time_in_turn(
        {
            OURS: ours,
            "SciPy map_coordinates": scipy_map_coordinates,
            "MONAI Rand2DElastic": monai_elastic,
            "SciPy griddata (the code of 2020)": scipy_griddata,
        },
        rounds=3,
        calls={OURS: 100, "SciPy map_coordinates": 10, "MONAI Rand2DElastic": 10},
    )
    print_table("Random warp of a slice: three sequences and labels, one thread", seconds, OURS)


def _rings() -> np.ndarray:
    """Labels of a ventricle: a pool, a wall with scar and edema, and a right ventricle."""
    rows, cols = np.indices((SIZE_PX, SIZE_PX)) - SIZE_PX / 2
    radius = np.hypot(rows, cols)
    labels = np.zeros((SIZE_PX, SIZE_PX), dtype=np.int16)
    labels[(np.hypot(rows, cols + 50) < 40)] = Tissue.RV_BLOOD_POOL
    labels[radius < 45] = Tissue.NORMAL_MYOCARDIUM
    labels[(radius < 45) & (rows > 10)] = Tissue.EDEMA
    labels[(radius < 38) & (rows > 18)] = Tissue.SCAR
    labels[radius < 32] = Tissue.LV_BLOOD_POOL
    return labels


if __name__ == "__main__":
    main()
