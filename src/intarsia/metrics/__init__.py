"""What is reported; every figure is computed from one table of per-image counts and named by its convention."""
