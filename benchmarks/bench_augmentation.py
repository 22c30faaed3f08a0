"""The random warp of section 2.1: three sequences and the labels of one slice of 256 x 256."""

import argparse
from collections.abc import Callable

import numpy as np
import torch
import torchio
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from monai.transforms import Rand2DElastic
from scipy.interpolate import griddata
from scipy.ndimage import map_coordinates

from interleaved import print_table, time_in_turn, use_one_thread
from myoseg.anatomy import Tissue
from myoseg.slices.augmentation import (
    Augmentation,
    draw_augmentation,
    source_coordinates,
    warp_images,
    warp_labels,
)

OURS = "myoseg"
GRIDDATA = "SciPy griddata (the code of 2020)"
SIZE_PX = 256
WARP_PX = 5.0
GRID = 8


def main() -> None:
    """Times one slice's warp against how others do it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds")
    full = parser.parse_args().full
    use_one_thread()
    rng = np.random.default_rng(0)
    images = rng.random((3, SIZE_PX, SIZE_PX), dtype=np.float32)
    labels = _rings()
    drawn = draw_augmentation(rng, Augmentation(warp_grid=GRID, warp_max_px=WARP_PX))

    def ours() -> None:
        field = source_coordinates(drawn, (SIZE_PX, SIZE_PX))
        warp_images(images, field)
        warp_labels(labels, field)

    coordinates = source_coordinates(drawn, (SIZE_PX, SIZE_PX))
    others = _scipys(images, labels, coordinates) | _libraries(images, labels)
    quick = dict.fromkeys(others, 5)
    title = "Random warp of a slice: three sequences and labels, one thread"
    seconds = time_in_turn({OURS: ours} | others, 15 if full else 5, {OURS: 100} | quick)
    print_table(title, seconds, OURS)
    slow = {OURS: ours, GRIDDATA: _griddata(images, labels, coordinates)}
    slowest = time_in_turn(slow, 3 if full else 1, {OURS: 100}, warmed_up=full)
    print_table(f"{title}: the slowest", slowest, OURS)


def _scipys(
    images: np.ndarray, labels: np.ndarray, coordinates: np.ndarray
) -> dict[str, Callable[[], object]]:
    channels = np.concatenate([images, labels[None].astype(np.float32)])

    def scipy_map_coordinates() -> None:
        for channel in channels:
            map_coordinates(channel, coordinates, order=1, mode="nearest")

    return {"SciPy map_coordinates": scipy_map_coordinates}


def _griddata(
    images: np.ndarray, labels: np.ndarray, coordinates: np.ndarray
) -> Callable[[], object]:
    channels = np.concatenate([images, labels[None].astype(np.float32)])

    def scipy_griddata() -> None:
        grid = np.indices((SIZE_PX, SIZE_PX)).reshape(2, -1).T
        places = coordinates.reshape(2, -1).T
        for channel in channels:
            griddata(places, channel.ravel(), grid, method="linear")

    return scipy_griddata


def _libraries(images: np.ndarray, labels: np.ndarray) -> dict[str, Callable[[], object]]:
    """Each library's own random elastic warp, labels as it warps them."""
    channels = np.concatenate([images, labels[None].astype(np.float32)])
    distance = SIZE_PX // GRID
    monai = Rand2DElastic(
        spacing=(distance, distance),
        magnitude_range=(WARP_PX, WARP_PX),
        prob=1.0,
        padding_mode="border",
    )
    subject = torchio.Subject(
        images=torchio.ScalarImage(tensor=images[:, None]),
        labels=torchio.LabelMap(tensor=labels[None, None]),
    )
    tio = torchio.RandomElasticDeformation(
        num_control_points=(4, GRID, GRID),  # four at least, though one slice stays in its plane
        max_displacement=(0, WARP_PX, WARP_PX),
        locked_borders=0,
    )
    batch = torch.from_numpy(images), torch.from_numpy(labels[None])
    bg2 = SpatialTransform(
        patch_size=(SIZE_PX, SIZE_PX),
        patch_center_dist_from_border=0,
        random_crop=False,
        p_elastic_deform=1.0,
        elastic_deform_scale=(1 / GRID, 1 / GRID),
        elastic_deform_magnitude=(WARP_PX, WARP_PX),
        p_rotation=0,
        p_scaling=0,
    )
    return {
        "MONAI Rand2DElastic": lambda: monai(channels),
        "TorchIO RandomElasticDeformation": lambda: tio(subject),
        "batchgeneratorsv2 SpatialTransform": lambda: bg2(image=batch[0], segmentation=batch[1]),
    }


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
