"""Who predicts: this process, or the machines of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from intarsia.apps.cli.opening import load_model, model_file
from intarsia.apps.cli.options import one_of
from intarsia.errors import RecipeError

if TYPE_CHECKING:
    from intarsia.predict.engines.engine import Engine
    from intarsia.predict.predictor import Predictor
    from intarsia.predict.settings import Settings

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Cluster:
    """The Ray cluster a person asked for.

    Args:
        address: of one that runs; empty: one is started on this machine.
        workers: how many; None: as many as it has room for.
    """

    address: str
    workers: int | None


def cluster_asked_for(engine: str, address: str, workers: int | None) -> Cluster | None:
    """None where this process is to do the work.

    Raises:
        RecipeError: there is no such engine, or an option belongs to the other one.
    """
    if one_of(engine, ENGINES, "--engine") == "ray":
        return Cluster(address, workers)
    if address or workers is not None:
        raise RecipeError(
            "is an option of a cluster", where="--address" if address else "--workers", remedy="Add --engine ray"
        )
    return None


@contextmanager
def engine_for(
    model: Path, settings: Settings, device: str, cluster: Cluster | None
) -> Iterator[tuple[Predictor, Engine]]:
    """Give who plans and who predicts, and let go of them afterwards.

    Args:
        model: a model file or run folder.
        settings: how.
        device: where the network computes.
        cluster: whose machines do the work; None: this process.
    """
    if cluster is None:
        from intarsia.predict.engines.local import LocalEngine
        from intarsia.predict.predictor import Predictor

        predictor = Predictor(load_model(model, device), settings)
        yield predictor, LocalEngine(predictor)
        return
    from intarsia.predict.engines.ray_engine import RayEngine

    engine = RayEngine(model_file(model), settings, device, address=cluster.address or None, workers=cluster.workers)
    try:
        yield engine.predictor, engine
    finally:
        engine.close()
