"""What watches a run: its history, its progress, and how its checkpoints reach the disk."""

from intarsia.train.callbacks.checkpoints import AtomicCheckpointIO
from intarsia.train.callbacks.history import History
from intarsia.train.callbacks.progress import Progress

__all__ = ["AtomicCheckpointIO", "History", "Progress"]
