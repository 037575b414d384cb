"""Sample to sample: geometry and light, image and mask together."""
