"""Pure functions on arrays and tensors: no modules, no files, no devices."""
