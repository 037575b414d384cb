"""``intarsia models``: which networks there are, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from intarsia.apps.cli.console import Device, Json, console, plain_table, print_json, progress_bar
from intarsia.errors import RecipeError

if TYPE_CHECKING:
    import torch

    from intarsia.architectures.variants import Variant
    from intarsia.nn.network import SegmentationNetwork

_SIDE = 512
_WHOLE = "whole image"
_WIDTH = 124  # of the table; a narrower terminal breaks its lines


def run(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORD]…", help="Only models whose name holds all these words.")
    ] = None,
    measure: Annotated[bool, typer.Option("--measure", help="Also time each on this machine: takes minutes.")] = False,
    channels: Annotated[int, typer.Option("--channels", help="Of the pictures.", min=1)] = 3,
    classes: Annotated[int, typer.Option("--classes", help="How many.", min=1)] = 19,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """List the networks there are, with their cost for one picture of 512×512 pixels."""
    from intarsia.predict.device import resolve_device

    variants, where = _matching(words or []), resolve_device(device)
    with progress_bar("counting") as progress:
        rows = []
        for done, variant in enumerate(variants):
            progress(done, len(variants))
            rows.append(_row(variant, channels, classes, where if measure else None))
    if as_json:
        measured = {"measured": _measured_on(where)} if measure else {}
        print_json({"side": _SIDE, "channels": channels, "classes": classes, **measured, "models": rows})
        return
    _show(rows, measure)


def _matching(words: list[str]) -> list[Variant]:
    from intarsia.architectures.variants import VARIANTS
    from intarsia.nn.arguments import nearest

    texts = {variant.name: f"{variant.name} {variant.architecture}".lower() for variant in VARIANTS}
    found = [variant for variant in VARIANTS if all(word.lower() in texts[variant.name] for word in words)]
    if not found:
        unknown = [word for word in words if not any(word.lower() in text for text in texts.values())]
        names = sorted(
            {name for each in VARIANTS for name in (each.architecture, each.arguments.get("encoder")) if name}
        )
        raise RecipeError(
            f"no model's name holds {' and '.join(repr(word) for word in unknown or words)}",
            where="WORD",
            remedy=f"{nearest(unknown[0], names)}{', '.join(names)}" if unknown else "Leave a word out",
        )
    return found


def _row(variant: Variant, channels: int, classes: int, device: torch.device | None) -> dict[str, Any]:
    import torch

    from intarsia import architectures
    from intarsia.nn.complexity import count_macs, count_parameters, peak_memory

    def build() -> SegmentationNetwork:
        return architectures.build(variant.architecture, in_channels=channels, num_classes=classes, **variant.arguments)

    with torch.device("meta"):  # nothing is allocated or drawn
        network = build()
    measured = {} if device is None else {"seconds": _seconds(build(), channels, device)}
    return {
        "name": variant.name,
        "architecture": variant.architecture,
        "arguments": dict(variant.arguments),
        "parameters": count_parameters(network),
        "macs": count_macs(network, channels, _SIDE, _SIDE),
        "receptive_field": network.receptive_field,
        "memory": peak_memory(network, channels, _SIDE, _SIDE),
        "weights_license": network.encoder.license or "none published",
        **measured,
    }


def _seconds(network: SegmentationNetwork, channels: int, device: torch.device) -> float:
    """Of the network as it predicts."""
    from intarsia.predict.accelerate import accelerate
    from intarsia.predict.device import resolve_precision
    from intarsia.predict.measure import seconds_a_picture

    precision = resolve_precision("auto", device)
    fast = accelerate(network.eval().to(device), channels, precision)
    return seconds_a_picture(fast, channels, _SIDE, device, precision)


def _measured_on(device: torch.device) -> str:
    import torch

    from intarsia.predict.device import describe_device, resolve_precision

    return f"{describe_device(device)}, {resolve_precision('auto', device)}, PyTorch {torch.__version__}"


def _show(rows: list[dict[str, Any]], measured: bool) -> None:
    table = plain_table("model", "parameters", "MACs", "field", "memory", *(["time"] if measured else []), "weights")
    for row in rows:
        table.add_row(
            row["name"],
            f"{row['parameters'] / 1e6:.1f} M",
            f"{row['macs'] / 1e9:.1f} G",
            f"{row['receptive_field'] or _WHOLE}",
            f"{row['memory'] / 1e6:.0f} MB",
            *([f"{1000 * row['seconds']:.0f} ms"] if measured else []),
            row["weights_license"],
        )
    table.columns[0].overflow = "fold"  # a name cut short cannot be copied
    screen = console()
    screen.print(table, width=max(screen.width, _WIDTH), crop=False)
    screen.print(
        "\nMACs and memory: one picture of 512×512 pixels in float32. Field: the window a pixel's class depends on."
    )
    if len(rows) == 1:
        screen.print("\nIn a recipe:\n" + _recipe(rows[0]))
    else:
        words = ", ".join(dict.fromkeys(row["architecture"] for row in rows))
        screen.print(f"\nWhat `model.architecture` calls them: {words}. Name a single model for its arguments.")


def _recipe(row: dict[str, Any]) -> str:
    import yaml

    part = {"model": {"architecture": row["architecture"], "arguments": row["arguments"]}}
    return yaml.safe_dump(part, sort_keys=False).rstrip()
