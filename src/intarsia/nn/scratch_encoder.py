"""Encoders without published weights."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from intarsia.errors import ModelFileError
from intarsia.nn.encoders import Encoder


class ScratchEncoder(Encoder):
    """An encoder that always starts from random weights."""

    def load_weights(self, state_dict: Mapping[str, Tensor]) -> None:
        """Refuse: there are none.

        Raises:
            ModelFileError: always.
        """
        raise ModelFileError(
            f"{len(state_dict)} tensors were given, but an encoder from scratch has no published weights",
            where="encoder weights",
            remedy="Leave them out, or name the encoder they belong to (unet with encoder=resnet18, say)",
        )
