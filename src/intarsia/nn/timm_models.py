"""timm's models: built, with timm's errors as ours."""

from __future__ import annotations

import difflib
import pickle
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from intarsia.errors import FetchError, RecipeError
from intarsia.nn.hub_cache import from_hub_cache

_WHERE = "argument `encoder`"


def published_license(name: str) -> str:
    """The licence timm states of the weights of one of its models; "" where it states none."""
    from timm.models import get_pretrained_cfg

    stated = get_pretrained_cfg(name)
    return (stated.license if stated else None) or ""


def create_timm_model(name: str, **arguments: Any) -> Any:
    """What ``timm.create_model`` gives, with its errors as ours.

    Args:
        name: of a timm model, with or without the tag of its weights.
        arguments: of ``timm.create_model``.

    Raises:
        RecipeError: timm has no such model or no such weights of it, or cannot build it with these arguments; the
            nearest name is offered.
        FetchError: the weights could not be fetched, or those kept here are damaged.
    """
    import timm  # its thousand models take two seconds to import, which a U-Net from scratch need not wait for

    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models(), n=1)
        guess = f"Did you mean {close[0]!r}? " if close else ""
        raise RecipeError(
            f"timm has no model {name!r}",
            where=_WHERE,
            remedy=f"{guess}Write a name that timm.list_models() gives",
        )
    pretrained = bool(arguments.get("pretrained"))
    _check_weights(name, pretrained)
    kept = from_hub_cache(name) if pretrained else {}
    try:
        return timm.create_model(name, **arguments, **kept)
    except (AssertionError, NotImplementedError, TypeError) as error:
        if "output_stride" in arguments:
            raise without_dilation(name, arguments["output_stride"]) from error
        raise unusable(name, f"cannot be built for its features ({_first_line(error)})") from error
    except (OSError, RuntimeError, SafetensorError, pickle.UnpicklingError) as error:
        if not pretrained:
            raise unusable(name, f"cannot be built for its features ({_first_line(error)})") from error
        if kept:
            raise FetchError(
                f"the weights of {name!r} that were kept here are damaged ({_first_line(error)})",
                # The name in the cache is a link; without it alone, the hub would link to the same content again.
                where=Path(kept["pretrained_cfg_overlay"]["file"]).resolve(),
                remedy="Delete this file, then try again to fetch it anew",
            ) from error
        raise FetchError(
            f"timm could not fetch the weights of {name!r} ({_first_line(error)})",
            where="argument `pretrained`",
            remedy="Connect to a network and try again, or let `encoder_weights` name a local file instead",
        ) from error


def _check_weights(name: str, wanted: bool) -> None:
    """Refuse a tag that timm does not know, and weights that nobody has published."""
    from timm.models import get_arch_pretrained_cfgs

    configurations = get_arch_pretrained_cfgs(name)  # none for a model under its former name
    published = [tagged for tagged, configuration in configurations.items() if configuration.has_weights]
    model, _, tag = name.partition(".")
    if tag and configurations and name not in configurations:
        raise RecipeError(
            f"timm has no weights {tag!r} of {model!r}",
            where=_WHERE,
            remedy=f"Write {model}" + (f", or one of {', '.join(published)}" if published else ""),
        )
    if wanted and configurations and not (name in published if tag else published):
        raise RecipeError(
            f"found True, but timm has no weights of {name!r}",
            where="argument `pretrained`",
            remedy="Leave it out, or choose an encoder that timm.list_pretrained() gives",
        )


def without_dilation(name: str, output_stride: int) -> RecipeError:
    """That a model cannot keep an output stride."""
    return RecipeError(
        f"the timm model {name!r} cannot keep an output stride of {output_stride}",
        where=_WHERE,
        remedy="Choose an encoder that dilates, for example resnet50, mobilenetv2_100, xception65 or efficientnet_b0",
    )


def unusable(name: str, reason: str) -> RecipeError:
    """That a model is no encoder, and why."""
    return RecipeError(
        f"the timm model {name!r} {reason}",
        where=_WHERE,
        remedy="Choose a convolutional encoder, for example resnet18, efficientnet_b0 or convnext_tiny",
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
