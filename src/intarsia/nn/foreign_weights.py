"""Published weights of a whole classifier, made to fit the feature pyramid inside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor

from intarsia.errors import ModelFileError
from intarsia.nn.tensor_names import is_batch_count, listing

_RGB = 3


def fit_state_dict(
    given: Mapping[str, Tensor],
    features: Mapping[str, Tensor],
    classifier: Iterable[str],
    name: str,
    called: Mapping[str, str] | None = None,
) -> dict[str, Tensor]:
    """Rename, pick and adapt the tensors of a classifier for the feature network timm cut out of it.

    Args:
        given: the classifier's state dict, as published (float of any precision).
        features: the state dict of the feature network, for its names and shapes.
        classifier: every name in the whole model's state dict; those the feature network lacks are left out.
        name: what to call the model in an error.
        called: for each name in ``classifier``, what ``given`` calls it; the same by default.

    Returns:
        A state dict with exactly the names and shapes of ``features``. A first convolution for RGB is adapted to
        another channel count as timm does (:func:`timm.models.adapt_input_conv`): one channel receives the sum of the
        three, more repeat them, scaled so that the response to gray stays the same where their number is a multiple
        of three.

    Raises:
        ModelFileError: tensors are missing, unknown or of another shape.
    """
    called = called or {key: key for key in classifier}
    source = {key: called[origin] for key, origin in source_names(features, called).items()}
    taken = {key: origin for key, origin in source.items() if origin in given or not is_batch_count(key)}
    missing = [origin for origin in taken.values() if origin not in given]
    unexpected = sorted(set(given) - set(called.values()))
    if missing or unexpected:
        raise _unfit(name, listing({"missing": missing, "not part of it": unexpected}))
    fitted = {key: _adapted(given[origin].float(), features[key]) for key, origin in taken.items()}
    misshapen = [taken[key] for key, tensor in fitted.items() if tensor.shape != features[key].shape]
    if misshapen:
        raise _unfit(name, listing({"of another shape": misshapen}))
    return {key: fitted.get(key, tensor) for key, tensor in features.items()}


def source_names(features: Iterable[str], classifier: Iterable[str]) -> dict[str, str]:
    """For each name in the state dict of the feature network timm cut out of a classifier, that in the classifier's."""
    published = {_plain(key): key for key in classifier}
    return {key: published.get(_plain(key)) or published[_plain(key.partition(".")[2])] for key in features}


def _adapted(given: Tensor, wanted: Tensor) -> Tensor:
    from timm.models import adapt_input_conv

    is_stem = given.ndim == wanted.ndim == 4 and given.shape[1] == _RGB != wanted.shape[1]
    adapted: Tensor = adapt_input_conv(wanted.shape[1], given) if is_stem else given
    return adapted


def _plain(key: str) -> str:
    # Cutting features out of a model, timm renames `stem.0` to `stem_0`.
    return key.replace("_", ".")


def _unfit(name: str, reason: str) -> ModelFileError:
    return ModelFileError(
        f"they do not fit {name}: {reason}",
        where="encoder weights",
        remedy=f"Give the ImageNet weights of {name} in timm's layout, or choose the encoder the file belongs to",
    )
