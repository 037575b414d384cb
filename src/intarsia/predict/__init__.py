"""From a picture of any size to a mask of the same size."""
