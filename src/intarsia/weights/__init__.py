"""The model file, its card, and foreign checkpoints."""
