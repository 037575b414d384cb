"""Named weights, the model file and its card, and foreign checkpoints."""

from intarsia.weights.cache import find_weights
from intarsia.weights.checkpoint import read_state_dict
from intarsia.weights.model_file import MODEL_FILE, ModelCard, fingerprint_weights, read_model, write_model

__all__ = [
    "MODEL_FILE",
    "ModelCard",
    "find_weights",
    "fingerprint_weights",
    "read_model",
    "read_state_dict",
    "write_model",
]
