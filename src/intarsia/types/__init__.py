"""The joints of the house: what is passed between rooms, and what people receive."""

from intarsia.types.image_spec import ImageSpec
from intarsia.types.label_map import IGNORE_INDEX, LabelMap
from intarsia.types.outputs import SemanticLogits
from intarsia.types.predictions import SemanticMap
from intarsia.types.sample import Sample

__all__ = ["IGNORE_INDEX", "ImageSpec", "LabelMap", "Sample", "SemanticLogits", "SemanticMap"]
