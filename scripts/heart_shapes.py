"""How large ventricles are, real and simulated: `python scripts/heart_shapes.py DATA...`.

For each quarter of the stack from base to apex, medians and 5th and 95th percentiles over slices:
the LV's and RV's blood pools as parts of the epicardium's area, how deep the RV is and how wide
along the septum, as parts of the epicardium's diameter, and in how many slices there is no RV.
Folders whose volumes come in pairs of a patient's phases are split at the smaller LV pool.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from myoseg.anatomy import MYOCARDIUM, REGIONS
from myoseg.cases.layouts import find_cases, read_case
from myoseg.cases.phantom.anatomy import draw_heart, heart_over_body
from myoseg.cases.phantom.left_ventricle import KINDS
from myoseg.cases.phantom.partial_volume import LABELLED
from myoseg.cases.phantom.tissue import Material

PARTS = {"base": (0.0, 0.25), "upper": (0.25, 0.5), "lower": (0.5, 0.75), "apex": (0.75, 1.01)}
MEASURES = ("LV/epi", "RV/epi", "RV depth", "RV width")
SMALLEST_PX = 30
HALF_MM, STEP_MM = 90.0, 1.5
SIMULATED_STACK = 0.92
"""Of the LV's length, down to the last slice that a reader would draw."""

Mask = Bool[np.ndarray, "row col"]
Row = tuple[float, ...]


def main() -> None:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", type=Path, help="folders of labelled cases")
    parser.add_argument("-n", type=int, default=300, help="simulated hearts")
    arguments = parser.parse_args()
    print(f"| hearts | part | slices | no RV | {' | '.join(MEASURES)} |")
    print("|---" * (4 + len(MEASURES)) + "|")
    for folder in arguments.data:
        for title, stacks in _real(folder).items():
            _print(title, stacks)
    for title, stacks in _simulated(arguments.n).items():
        _print(title, stacks)


def _real(folder: Path) -> dict[str, list[list[Row]]]:
    stacks: dict[str, list[tuple[float, list[Row]]]] = defaultdict(list)
    for files in find_cases(folder):
        if files.labels is None:
            continue
        labels = read_case(files).labels
        assert labels is not None
        pool, rv = labels.mask(REGIONS["lv_blood_pool"]), labels.mask(REGIONS["rv_blood_pool"])
        wall = labels.mask(MYOCARDIUM)
        slices = [index for index in range(len(pool)) if wall[index].any()]
        areas = (wall | pool).sum(axis=(1, 2))[slices]
        half = len(slices) // 2
        if areas[:half].sum() < areas[-half:].sum():
            slices.reverse()
        rows = [_measured(pool[index], wall[index], rv[index]) for index in slices]
        stacks[files.name.rsplit("_frame", 1)[0]].append((float(pool.sum()), rows))
    by_phase: dict[str, list[list[Row]]] = defaultdict(list)
    for volumes in stacks.values():
        ordered = sorted(volumes, key=lambda volume: -volume[0])
        paired = len(volumes) == 2
        for place, (_, rows) in enumerate(ordered):
            phase = (", diastole", ", systole")[place] if paired else ""
            by_phase[f"{folder.name}{phase}"].append(rows)
    return by_phase


def _simulated(n_hearts: int) -> dict[str, list[list[Row]]]:
    side = np.arange(-HALF_MM, HALF_MM, STEP_MM, dtype=np.float32)
    lateral, down = (grid.ravel() for grid in np.meshgrid(side, side))
    body = np.full(lateral.shape, Material.FAT, dtype=np.uint8)
    shares = [kind.share for kind in KINDS]
    found: dict[str, list[list[Row]]] = defaultdict(list)
    for seed in range(n_hearts):
        rng = np.random.default_rng(seed)
        kind = KINDS[rng.choice(len(KINDS), p=shares)]
        heart = draw_heart(rng, kind)
        rows = []
        for level in (np.arange(10) + 0.5) / 10 * SIMULATED_STACK:
            plane = heart_over_body(
                heart, None, body, lateral, -down, float(level * heart.length_mm)
            ).reshape(len(side), len(side))
            pool, wall, rv = (
                np.isin(plane, [material for tissue in tissues for material in LABELLED[tissue]])
                for tissues in (REGIONS["lv_blood_pool"], MYOCARDIUM, REGIONS["rv_blood_pool"])
            )
            rows.append(_measured(pool, wall, rv))
        found[f"simulated, {'systole' if kind.systolic else 'diastole'}"].append(rows)
    return found


def _measured(pool: Mask, wall: Mask, rv: Mask) -> Row:
    epicardium = pool | wall
    area = float(epicardium.sum())
    if area < SMALLEST_PX:
        return (np.nan,) * 4
    shares = pool.sum() / area, rv.sum() / area
    if not rv.any():
        return (*shares, np.nan, np.nan)
    centre, points = np.argwhere(epicardium).mean(axis=0), np.argwhere(rv)
    toward = points.mean(axis=0) - centre
    toward /= np.hypot(*toward)
    across = np.array([-toward[1], toward[0]])
    diameter = 2 * np.sqrt(area / np.pi)
    depth = np.quantile((points - centre) @ toward, 0.97) / diameter - 0.5
    width = np.ptp(np.quantile((points - centre) @ across, (0.02, 0.98))) / diameter
    return (*shares, depth, width)


def _print(title: str, stacks: Iterable[list[Row]]) -> None:
    for part, rows in _by_part(stacks):
        values = np.array(rows)
        values = values[np.isfinite(values[:, 0])] if rows else values
        if not len(values):
            continue
        cells = []
        for column in values.T:
            low, middle, high = np.nanquantile(column, (0.05, 0.5, 0.95))
            cells.append(f"{middle:.2f} ({low:.2f}-{high:.2f})")
        without = np.mean(values[:, 1] < 0.02)
        print(f"| {title} | {part} | {len(values)} | {without:.2f} | {' | '.join(cells)} |")


def _by_part(stacks: Iterable[list[Row]]) -> Iterator[tuple[str, list[Row]]]:
    placed = [((place + 0.5) / len(rows), row) for rows in stacks for place, row in enumerate(rows)]
    for part, (low, high) in PARTS.items():
        yield part, [row for level, row in placed if low <= level < high]


if __name__ == "__main__":
    main()
