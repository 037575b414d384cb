"""Ray clusters: joined or started, and what they have room for."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from intarsia.errors import RecipeError

_HERE, _ANY, _CLIENT = "local", "auto", "ray://"  # what Ray calls addresses that are none
_SECONDS = 10  # in which a cluster is to answer


@dataclass(frozen=True)
class Room:
    """What a cluster has room for.

    Args:
        device: what workers compute on.
        cpus: a worker's.
        places: of each machine with room: how many workers, and the bytes of memory.
    """

    device: Literal["cpu", "cuda"]
    cpus: int
    places: tuple[tuple[int, int], ...]

    @property
    def workers(self) -> int:
        """How many there is room for."""
        return sum(count for count, _ in self.places)

    @property
    def resources(self) -> dict[str, int]:
        """What each worker asks of Ray."""
        return {"num_cpus": self.cpus, "num_gpus": int(self.device == "cuda")}

    def ceiling(self, workers: int, held: int) -> int:
        """Bytes a worker may take: what it holds anyway, and half of its share of what is left on the least machine.

        Args:
            workers: how many there are to be.
            held: by a worker that has just begun, bytes.
        """
        shares = [memory // min(count, workers) for count, memory in self.places]
        return held + max(0, min(shares, default=0) - held) // 2


def room(nodes: Sequence[Mapping[str, float]], device: str, threads: int) -> Room:
    """Look at the machines of a cluster.

    Args:
        nodes: of each machine what it has, as Ray counts it.
        device: "auto" for GPUs where there are any, "cuda" or "cpu".
        threads: of a worker, and the CPUs it gets where any machine has as many.

    Raises:
        RecipeError: Ray does not hand out such devices.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise RecipeError(
            f"the workers of a cluster compute on CPUs or CUDA, not on {device!r}",
            where="--device",
            remedy="Choose auto, cpu or cuda, or --engine local",
        )
    gpus = device == "cuda" or (device == "auto" and any(node.get("GPU", 0) >= 1 for node in nodes))
    cpus = 1 if gpus else max(1, min(threads, max((int(node.get("CPU", 0)) for node in nodes), default=0)))
    places = []
    for node in nodes:
        count = node.get("CPU", 0) // cpus
        count = int(min(count, node.get("GPU", 0)) if gpus else count)
        if count:
            places.append((count, int(node["memory"])))
    return Room("cuda" if gpus else "cpu", cpus, tuple(places))


def join(ray: Any, address: str | None, cpus: int) -> None:
    """Connect to a cluster, or start one on this machine.

    Args:
        ray: the module.
        address: of the cluster; None: that of the environment variable RAY_ADDRESS, else one is started.
        cpus: that one that is started has at least, should the machine have fewer.

    Raises:
        RecipeError: no cluster answers there.
    """
    # Ray tells its makers about runs unless it is told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    where = address or os.environ.get("RAY_ADDRESS") or _HERE
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    if where == _HERE:
        few = cpus > (os.cpu_count() or 1)
        ray.init(_HERE, include_dashboard=False, num_cpus=cpus if few else None, **quiet)
        return
    try:
        if where != _ANY:  # else Ray tries for ten minutes and then ends this process
            host, _, port = where.removeprefix(_CLIENT).rpartition(":")
            socket.create_connection((host, int(port)), _SECONDS).close()
        ray.init(where, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        reason, remedy = "no Ray cluster answers there", "Start one (`ray start --head`), or name another as HOST:PORT"
        raise _refused(where, reason, error, remedy) from error
    except ray.exceptions.RayError as error:
        remedy = "Copy ~/.ray/auth_token from the machine on which it was started"
        raise _refused(where, "does not let this machine in", error, remedy) from error
    except ImportError as error:
        remedy = "Install it: pip install 'ray[client]'"
        raise _refused(where, "is for Ray's client, which is not installed", error, remedy) from error


def _refused(where: str, found: str, error: Exception, remedy: str) -> RecipeError:
    reason = getattr(error, "strerror", None) or str(error).partition(". ")[0].rstrip(".")
    return RecipeError(f"{found} ({reason[:1].lower()}{reason[1:]})", where=where, remedy=remedy)
