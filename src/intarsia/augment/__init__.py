"""Sample to sample: geometry and light, image and mask together."""

from intarsia.augment.policies import AugmentPolicy, build

__all__ = ["AugmentPolicy", "build"]
