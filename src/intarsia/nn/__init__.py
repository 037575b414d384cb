"""Layers and encoders that two or more architectures share."""
