"""Pictures and masks from disk to samples: formats, splits, checks and named data sets."""

from intarsia.data.dataset import Draw, DrawSampler, SegmentationDataset
from intarsia.data.doctor import examine
from intarsia.data.examination import Examination, Finding, ImageRecord, Summary
from intarsia.data.formats.folder import DataFolder, Item, open_folder
from intarsia.data.formats.image import as_image_array, read_image
from intarsia.data.formats.mask import mask_to_indices, read_mask, write_mask
from intarsia.data.splits import k_fold, split_items, with_groups

__all__ = [
    "DataFolder",
    "Draw",
    "DrawSampler",
    "Examination",
    "Finding",
    "ImageRecord",
    "Item",
    "SegmentationDataset",
    "Summary",
    "as_image_array",
    "examine",
    "k_fold",
    "mask_to_indices",
    "open_folder",
    "read_image",
    "read_mask",
    "split_items",
    "with_groups",
    "write_mask",
]
