"""The joints of the house: what is passed between rooms, and what people receive."""

from intarsia.types.image_spec import ImageSpec
from intarsia.types.label_map import IGNORE_INDEX, LabelMap
from intarsia.types.outputs import MaskQueries, Output, SemanticLogits
from intarsia.types.predictions import InstanceSet, PanopticMap, Segment, SemanticMap
from intarsia.types.sample import Sample

__all__ = [
    "IGNORE_INDEX",
    "ImageSpec",
    "InstanceSet",
    "LabelMap",
    "MaskQueries",
    "Output",
    "PanopticMap",
    "Sample",
    "Segment",
    "SemanticLogits",
    "SemanticMap",
]
