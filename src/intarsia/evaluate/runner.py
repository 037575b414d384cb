"""Counting: a model against a data set's truth, or mask files against mask files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from intarsia.data.dataset import read_pair
from intarsia.data.formats.decode import IMAGE_SUFFIXES, stem_of
from intarsia.data.formats.folder import Item
from intarsia.data.formats.image import read_image
from intarsia.data.formats.mask import MASK_SUFFIXES, lossy_mask, read_mask
from intarsia.data.parallel import Progress, iterate_files
from intarsia.data.splits import find_groups
from intarsia.errors import DataError, ShapeError
from intarsia.evaluate.figures import Example
from intarsia.evaluate.watch import Watch
from intarsia.metrics import ScoreTable, ScoreTableBuilder, Void, class_counts
from intarsia.metrics.confusion import confusion_matrix
from intarsia.metrics.overlap import mean_iou
from intarsia.metrics.picture import DEFAULT_OPTIONS, CountOptions, PictureCounts, count_picture
from intarsia.ops.resize import resize_nearest
from intarsia.predict.prepared import PreparedNetwork
from intarsia.types import LabelMap


def evaluate_items(
    prepared: PreparedNetwork,
    items: Sequence[Item],
    progress: Progress | None = None,
    watch: Watch | None = None,
    options: CountOptions = DEFAULT_OPTIONS,
) -> ScoreTable:
    """Predict every picture exactly as a user would, and count against its mask.

    Args:
        prepared: the model.
        items: pictures with their truth; their groups are the units of the intervals.
        progress: called with (done, total).
        watch: looks at each picture beside the counting.
        options: what to count, and with which tolerances.

    Raises:
        DataError: a file that cannot be used, or a mask with an id the model does not know.
    """
    builder = ScoreTableBuilder(prepared.label_map, options)
    for done, item in enumerate(items):
        image, truth = read_pair(item)
        result = prepared.predict(image, probabilities=True, where=item.image)
        builder.add(
            item.name,
            truth,
            result.class_ids,
            group=item.group,
            where=item.mask,
            probabilities=result.probabilities,
        )
        if watch is not None:
            watch.add(image, truth, result.class_ids, item.mask)
        if progress is not None:
            progress(done + 1, len(items))
    return builder.table()


def score_files(
    pairs: Sequence[tuple[Path, Path]],
    label_map: LabelMap,
    progress: Progress | None = None,
    resize: Literal["nearest"] | None = None,
    group_by: str | None = None,
    options: CountOptions = DEFAULT_OPTIONS,
) -> ScoreTable:
    """Count mask files of any origin against the masks of the truth, several at a time.

    Args:
        pairs: (predicted, truth) files; see :func:`pair_masks`.
        label_map: what the ids of both mean.
        progress: called with (done, total).
        resize: "nearest" brings each prediction to the size of its truth by nearest neighbor first.
        group_by: a regular expression whose one group finds the patient or video in a name; default is each picture
            alone. See :func:`~intarsia.data.splits.find_groups`.
        options: what to count, and with which tolerances.

    Raises:
        DataError: a file that cannot be used, or an id that is not a class.
        ShapeError: a prediction of another size than its truth, unless it is to be resized.
    """

    def count(pair: tuple[Path, Path]) -> PictureCounts:
        predicted, truth = map(read_mask, pair)
        if resize == "nearest":
            predicted = resize_nearest(predicted, (truth.shape[0], truth.shape[1]))
        elif predicted.shape != truth.shape:
            raise _sizes_differ(pair, predicted.shape, truth.shape)
        return count_picture(truth, predicted, label_map, options=options, where=pair[0])

    names = [truth.stem for _, truth in pairs]
    groups = find_groups(names, group_by) if group_by else names
    builder = ScoreTableBuilder(label_map)
    for name, group, counts in zip(names, groups, iterate_files(count, pairs, progress), strict=True):
        builder.add_counts(name, counts, group)
    return builder.table()


def _sizes_differ(pair: tuple[Path, Path], predicted: tuple[int, ...], truth: tuple[int, ...]) -> ShapeError:
    return ShapeError(
        f"the truth is {truth[1]}×{truth[0]} pixels and the prediction {predicted[1]}×{predicted[0]}",
        where=pair,
        remedy="Predict at the picture's own size; or have predictions enlarged or shrunk by nearest neighbor with"
        " `--resize nearest`, which is part of the score then",
    )


def pair_masks(predicted: Path, truth: Path) -> list[tuple[Path, Path]]:
    """Pair the masks of two folders by name, or two single files.

    Raises:
        DataError: a path that does not exist, an empty folder, or masks without a partner on either side.
    """
    for path in (predicted, truth):
        if not path.exists():
            raise DataError("does not exist", where=path, remedy="Name a mask file or a folder of masks")
        if path.suffix.lower() == ".json":
            raise DataError(
                "is no mask", where=path, remedy="COCO files are scored with `--task instance` or `--task panoptic`"
            )
    if predicted.is_file() and truth.is_file():
        return [(predicted, truth)]
    ours, theirs = _masks(predicted), _masks(truth)
    alone = [ours[stem] for stem in sorted(ours.keys() - theirs.keys())]
    missing = [theirs[stem] for stem in sorted(theirs.keys() - ours.keys())]
    if alone or missing:
        sides = [
            (missing, "true mask", "has no prediction", "have no prediction"),
            (alone, "prediction", "has no truth", "have no truth"),
        ]
        found = " and ".join(
            f"{len(files)} {what}{'s' * (len(files) > 1)} {lacks if len(files) == 1 else lack}"
            for files, what, lacks, lack in sides
            if files
        )
        raise DataError(
            f"{found} of the same name",
            where=[*missing, *alone],
            remedy="Predict what is missing or remove what has no partner; silent gaps would change the score",
        )
    return [(ours[stem], theirs[stem]) for stem in sorted(theirs)]


def examples(
    prepared: PreparedNetwork, items: Sequence[Item], names: Sequence[str], void: Void = "exclude"
) -> Iterator[Example]:
    """Predict the named pictures again, to show them."""
    by_name = {item.name: item for item in items}
    for name in names:
        item = by_name[name]
        image, truth = read_pair(item)
        predicted = prepared.predict(image, where=item.image).class_ids
        score = float(mean_iou(class_counts(confusion_matrix(truth, predicted, prepared.label_map), void)))
        yield Example(item.image.name, image, truth, predicted, score)


def file_examples(
    pairs: Sequence[tuple[Path, Path]], images: Path, label_map: LabelMap, names: Sequence[str], void: Void = "exclude"
) -> Iterator[Example]:
    """The named pairs with their pictures, to show them: ``images`` is a folder where they have the names of the masks.

    Raises:
        DataError: a picture that is not there or cannot be used.
        ShapeError: a picture of another size than its masks.
    """
    pictures = {path.stem: path for path in sorted(images.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES}
    by_name = {truth.stem: (predicted, truth) for predicted, truth in pairs}
    missing = [name for name in names if name not in pictures]
    if missing:
        raise DataError(
            "there are no pictures of these names",
            where=[images / name for name in missing],
            remedy="Name their folder",
        )
    for name in names:
        predicted, truth = map(read_mask, by_name[name])
        predicted = resize_nearest(predicted, (truth.shape[0], truth.shape[1]))
        score = float(mean_iou(class_counts(confusion_matrix(truth, predicted, label_map), void)))
        yield Example(pictures[name].name, read_image(pictures[name]), truth, predicted, score)


def _masks(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError("is a file, and its partner is a folder", where=folder, remedy="Name two files or two folders")
    lossy = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES - MASK_SUFFIXES)
    if lossy:
        raise lossy_mask(lossy, lossy[0].suffix.lower().removeprefix(".").upper())
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in MASK_SUFFIXES)
    masks = {stem_of(path.name): path for path in files}
    twins = [path for path in files if masks[stem_of(path.name)] != path]
    if twins:
        raise DataError(
            "share their names with other masks up to the ending", where=twins, remedy="Keep one mask of each name"
        )
    if not masks:
        raise DataError("holds no masks", where=folder, remedy=f"Put masks there ({', '.join(sorted(MASK_SUFFIXES))})")
    return masks
