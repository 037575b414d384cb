"""One network: do both programs find the same masks, and how long does each take?"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from intarsia import load
from intarsia.data.shapes import draw_shapes
from intarsia.metrics.class_counts import class_counts
from intarsia.metrics.confusion import confusion_matrix
from intarsia.metrics.overlap import mean_iou
from intarsia.predict.device import gains_from_bf16
from intarsia.predict.prepared import PreparedNetwork
from intarsia.types import ImageSpec
from prediction.contestants import SIDE, Contestant, peer_of

Predict = Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]]
"""From uint8 pictures [H, W, 3] to uint8 masks [H, W]: all of what a person waits for."""

PEER, PLAIN = "smp", "smp, bf16 and channels_last"
OURS, OURS_BF16, AS_TRAINED = "Intarsia, fp32", "Intarsia, bf16", "Intarsia, bf16, not accelerated"
BATCHES = (1, 8)
_FIRST_PICTURE = 10_000  # seeds far from those of the training pictures
_PICTURES = 24
_WARM_UP = 2


def compete(contestant: Contestant, file: Path, device: torch.device, rounds: int) -> dict[str, Any]:
    """Measure one network.

    Args:
        contestant: the network.
        file: its model file.
        device: where both programs compute.
        rounds: timed rounds for single pictures; those of eight are a quarter as many.

    Returns:
        What the JSON file holds of it.
    """
    drawn = [draw_shapes(_FIRST_PICTURE + number, SIDE, SIDE) for number in range(_PICTURES)]
    pictures, truths = [picture for picture, _ in drawn], [mask for _, mask in drawn]
    programs = _programs(contestant, file, device)
    masks = {name: [predict([picture])[0] for picture in pictures] for name, predict in programs.items()}
    card = load(file, device="cpu", precision="fp32").card
    scores = {}
    for name, found in masks.items():
        pairs = zip(truths, found, strict=True)
        counts = sum(confusion_matrix(truth, mask, card.label_map) for truth, mask in pairs)
        scores[name] = float(mean_iou(class_counts(np.asarray(counts))))
    return {
        "title": contestant.title,
        "pictures": len(pictures),
        "equal_pixels": {name: float(np.mean(np.equal(found, masks[PEER]))) for name, found in masks.items()},
        "mean_iou": scores,
        "batches": {
            str(batch): _clock(programs, pictures[:batch], max(4, rounds // (1 if batch == 1 else 4)))
            for batch in BATCHES
        },
        "steps": card.recipe["rounds"]
        * card.recipe["steps_per_round"],  # as it was trained, perhaps by an earlier call
    }


def _programs(contestant: Contestant, file: Path, device: torch.device) -> dict[str, Predict]:
    fp32 = load(file, device=device.type, precision="fp32")
    peer = peer_of(contestant, fp32).to(device)
    plain = copy.deepcopy(peer).to(memory_format=torch.channels_last)
    spec = fp32.card.image_spec
    programs = {PEER: _peer(peer, spec, device, False), OURS: _ours(fp32.prepared)}
    if gains_from_bf16(device):
        bf16 = load(file, device=device.type, precision="bf16")
        slow = replace(bf16.prepared, network=bf16.network.to(memory_format=torch.channels_last))
        programs |= {PLAIN: _peer(plain, spec, device, True), AS_TRAINED: _ours(slow), OURS_BF16: _ours(bf16.prepared)}
    return {name: programs[name] for name in (PEER, PLAIN, OURS, AS_TRAINED, OURS_BF16) if name in programs}


def _ours(prepared: PreparedNetwork) -> Predict:
    def predict(pictures: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return [found.class_ids for found in prepared.predict_many((picture, "picture") for picture in pictures)]

    return predict


def _peer(network: nn.Module, spec: ImageSpec, device: torch.device, plain: bool) -> Predict:
    """What a user of smp writes: eager fp32; ``plain`` with the two switches that PyTorch offers anyone."""
    mean = torch.tensor(spec.mean, device=device)[:, None, None]
    std = torch.tensor(spec.std, device=device)[:, None, None]

    @torch.inference_mode()
    def predict(pictures: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        planes = np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2))
        batch = (torch.from_numpy(planes).to(device).float() / 255 - mean) / std
        if plain:
            batch = batch.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=plain):
            logits: Tensor = network(batch)
        return list(logits.argmax(dim=1).to(torch.uint8).cpu().numpy())

    return predict


def _clock(programs: Mapping[str, Predict], pictures: Sequence[np.ndarray], rounds: int) -> dict[str, Any]:
    """Seconds a call, the programs taking turns so that whatever else the machine does meets all of them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    busy: dict[str, list[float]] = {name: [] for name in programs}
    for done in range(_WARM_UP + rounds):
        for name, predict in programs.items():
            wall, processor = time.perf_counter(), time.process_time()
            predict(pictures)
            if done >= _WARM_UP:
                seconds[name].append(time.perf_counter() - wall)
                busy[name].append(time.process_time() - processor)
    return {
        "rounds": rounds,
        "seconds": {name: _spread(values) for name, values in seconds.items()},
        "processor_seconds": {name: _spread(values) for name, values in busy.items()},
        "faster": {name: _ratios(seconds[PEER], values) for name, values in seconds.items()},
        "faster_by_processor": {name: _ratios(busy[PEER], values) for name, values in busy.items()},
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values)}


def _ratios(theirs: Sequence[float], ours: Sequence[float]) -> dict[str, float]:
    """How many times faster, round by round: the median and the middle half."""
    low, median, high = statistics.quantiles((a / b for a, b in zip(theirs, ours, strict=True)), n=4)
    return {"median": median, "low": low, "high": high}
