"""Encoders without published weights, or without any that are read here."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from intarsia.errors import ModelFileError
from intarsia.nn.encoders import Encoder


class ScratchEncoder(Encoder):
    """An encoder that always starts from random weights."""

    def load_weights(self, state_dict: Mapping[str, Tensor]) -> None:
        """Refuse: none can be read.

        Raises:
            ModelFileError: always.
        """
        raise ModelFileError(
            f"{len(state_dict)} tensors were given, but none for this network's encoder can be read",
            where="encoder weights",
            remedy="Leave them out, or choose an architecture that takes the encoder they belong to (lraspp, say)",
        )
