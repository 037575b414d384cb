"""From a recipe to a run folder with a trained, validated model file."""
