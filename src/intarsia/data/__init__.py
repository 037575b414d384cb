"""Pictures and masks from disk to samples: formats, splits, checks and named data sets."""
