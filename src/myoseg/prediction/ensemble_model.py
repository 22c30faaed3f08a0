"""A model of `myoseg train`: the block table of a run and the networks that vote on each block."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from myoseg.blocks import Architecture, Block, BlockTable
from myoseg.cases.case import Case
from myoseg.errors import ConfigurationError, ModelError
from myoseg.files import sha256_of
from myoseg.networks.checkpoint import load_network
from myoseg.networks.mask_rcnn import MaskRCNN
from myoseg.networks.segmenter import Segmenter
from myoseg.networks.unet import UNet
from myoseg.networks.unet_plus_plus import UNetPlusPlus
from myoseg.prediction.engines.engine import Engine, EngineChoice
from myoseg.prediction.engines.pytorch import PyTorchEngine
from myoseg.prediction.ensemble import average
from myoseg.prediction.probabilities import BlockProbabilities
from myoseg.slices.encoder import encode_images
from myoseg.slices.extract import CentreWindow, extract_slices
from myoseg.slices.normalisation import Preprocessing
from myoseg.slices.samples import PlainSamples

ImageStack = Float32[np.ndarray, "slice input row col"]
ProbabilityStack = Float32[np.ndarray, "slice row col"]
Predictor = Callable[[ImageStack], ProbabilityStack]


@dataclass(frozen=True, eq=False)
class EnsembleModel:
    """The paper's model: the blocks that were trained and a predictor for each of their voters.

    `folder` is None for a model that was made in memory.
    """

    table: BlockTable
    preprocessing: Preprocessing
    predictors: Mapping[str, tuple[Predictor, ...]]
    folder: Path | None = None

    def block_probabilities(self, case: Case, table: BlockTable) -> BlockProbabilities:
        """Linear encoder, networks and average for each block of the table (Figure 1)."""
        size_px = self.preprocessing.size_px
        samples = PlainSamples(extract_slices(case, size_px), self.preprocessing)
        window = CentreWindow.of(case.geometry.shape[1:], size_px)
        mean, spread = {}, {}
        for block in table.blocks:
            images = np.stack([encode_images(sample, block) for sample in samples])
            votes = np.stack(self.predict(block, images))
            mean[block.name] = window.paste(average(votes))
            if len(votes) > 1:
                spread[block.name] = window.paste(votes.std(axis=0))
        return BlockProbabilities(mean, spread)

    def predict(self, block: Block, images: ImageStack) -> tuple[ProbabilityStack, ...]:
        """Each voter's probabilities of the block's target, in the table's order of networks."""
        return tuple(predictor(images) for predictor in self.predictors[block.name])

    def with_blocks(self, names: Collection[str]) -> "EnsembleModel":
        """The model with these blocks alone.

        Raises:
            ConfigurationError: it has no block of such a name.
        """
        known = [block.name for block in self.table.blocks]
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise ConfigurationError(
                f"the model has no block {', '.join(unknown)}; its blocks are {', '.join(known)}."
            )
        blocks = tuple(block for block in self.table.blocks if block.name in names)
        return replace(self, table=replace(self.table, blocks=blocks))

    def fingerprint(self) -> str | None:
        """SHA-256 of the run's description, which holds the hash of all weights."""
        return None if self.folder is None else sha256_of(self.folder / "model.json")


def load_ensemble(folder: Path, record: dict[str, Any], choice: EngineChoice) -> EnsembleModel:
    """The model that a run's `model.json` describes.

    Args:
        folder: of the run.
        record: what its `model.json` holds.
        choice: what computes; OpenVINO runs all but a U-Net++ on an encoder other than VGG.

    Raises:
        ModelError: training not finished, weights missing or altered, or a field is unreadable.
    """
    try:
        table = BlockTable.from_record(record["table"])
        preprocessing = Preprocessing(**record["preprocessing"])
        unfinished = [each["folder"] for each in record["members"] if not each["finished"]]
        members = {
            (each["block"], each["architecture"]): (each["folder"], each.get("weights_sha256"))
            for each in record["members"]
        }
    except (ValueError, KeyError, TypeError, ConfigurationError) as error:
        raise ModelError(
            f"{folder / 'model.json'} cannot be read ({error!r}); train again or restore it from "
            "a copy."
        ) from error
    if unfinished:
        raise ModelError(
            f"the training in {folder} is not finished: {', '.join(unfinished)} to go; continue it "
            "with `myoseg train ... --resume`."
        )
    trained = {name for name, _ in members}
    table = replace(table, blocks=tuple(b for b in table.blocks if b.name in trained))
    predictors = {
        block.name: tuple(
            _predictor_from(folder, *members[block.name, network], choice)
            for network in block.networks
        )
        for block in table.blocks
    }
    return EnsembleModel(table, preprocessing, predictors, folder)


def _predictor_from(run: Path, member: str, weights_sha256: str, choice: EngineChoice) -> Predictor:
    segmenter, card = load_network(run / member)
    if card.weights_sha256 != weights_sha256:
        raise ModelError(
            f"{run / member} is not the network that {run / 'model.json'} describes; restore the "
            "whole run from one copy, or train again."
        )
    engine = engine_for(segmenter, choice)

    def predict(images: ImageStack) -> ProbabilityStack:
        segmenter.check_input(torch.from_numpy(images))
        return engine(images)[:, 0]

    return predict


def engine_for(segmenter: Segmenter, choice: EngineChoice) -> Engine:
    """OpenVINO runs the networks whose graph it can be told at once; PyTorch runs all else.

    A detector keeps to float32: rounding changes which of two regions is kept, and so whole masks.
    """
    if segmenter.architecture is Architecture.MASK_RCNN:
        choice = replace(choice, precision="float32")
    if choice.engine == "openvino":
        if isinstance(segmenter, UNet):
            return _unet_engine(segmenter, choice)
        if isinstance(segmenter, UNetPlusPlus) and segmenter.encoder_name.startswith("vgg"):
            return _unet_plus_plus_engine(segmenter, choice)
        if isinstance(segmenter, MaskRCNN):
            return _mask_rcnn_engine(segmenter, choice)
    return PyTorchEngine(segmenter, choice)


def _unet_engine(segmenter: UNet, choice: EngineChoice) -> Engine:
    from myoseg.prediction.engines.openvino import OpenVINOEngine
    from myoseg.prediction.engines.openvino_unet import unet_graph

    weights, normalisation = _arrays_of(segmenter.body), segmenter.normalisation
    return OpenVINOEngine(
        lambda shape: unet_graph(weights, normalisation, shape, choice.precision), choice
    )


def _unet_plus_plus_engine(segmenter: UNetPlusPlus, choice: EngineChoice) -> Engine:
    from myoseg.prediction.engines.openvino import OpenVINOEngine
    from myoseg.prediction.engines.openvino_unet_plus_plus import (
        SLICES_AT_ONCE,
        unet_plus_plus_graph,
    )

    weights, precision = _arrays_of(segmenter.network), choice.precision
    return OpenVINOEngine(
        lambda shape: unet_plus_plus_graph(weights, shape, precision), choice, SLICES_AT_ONCE
    )


def _mask_rcnn_engine(segmenter: MaskRCNN, choice: EngineChoice) -> Engine:
    from myoseg.prediction.engines.mask_rcnn import MaskRCNNEngine

    transform = segmenter.detector.transform
    statistics = (transform.image_mean, transform.image_std)
    weights = _arrays_of(segmenter.detector)
    return MaskRCNNEngine(weights, segmenter.detector_options, statistics, choice)


def _arrays_of(network: nn.Module) -> dict[str, Float32[np.ndarray, "..."]]:
    state = network.state_dict().items()
    return {name: tensor.numpy() for name, tensor in state if tensor.is_floating_point()}
