"""Sums of rows of float32 values, eight at a time.

What numba makes of such short loops is several times slower, so LLVM's vectors are used directly; it turns them into
whatever the CPU has (AVX-512, AVX2, NEON). All arrays are flat and float32, or int32 where they hold rows.
"""

from __future__ import annotations

from typing import Any, no_type_check

import numba
from llvmlite import ir
from numba.extending import intrinsic

LANES = 8
"""Values added at once; rows are a multiple of it long."""

_INDEX = ir.IntType(64)
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_FUSE = ("contract",)  # a multiplication and an addition may be one instruction


@intrinsic
@no_type_check
def copy_row(typing, new, at, old, place):
    """``new[at:] = old[place:]``, of eight values."""

    def generate(context, builder, signature, arguments):
        row = _Rows(context, builder, signature, arguments)
        row.store(0, arguments[1], row.load(2, arguments[3]))
        return context.get_dummy_value()

    return numba.void(new, numba.intp, old, numba.intp), generate


@intrinsic
@no_type_check
def add_row(typing, new, at, old, place):
    """``new[at:] += old[place:]``, of eight values."""

    def generate(context, builder, signature, arguments):
        row = _Rows(context, builder, signature, arguments)
        row.store(0, arguments[1], builder.fadd(row.load(0, arguments[1]), row.load(2, arguments[3])))
        return context.get_dummy_value()

    return numba.void(new, numba.intp, old, numba.intp), generate


@intrinsic
@no_type_check
def blur_row(typing, new, old, at, behind, ahead):
    """``new[at:] = old[at:] + (old[behind:] + old[ahead:]) / 2``, of eight values."""

    def generate(context, builder, signature, arguments):
        row = _Rows(context, builder, signature, arguments)
        here, back, forth = (row.load(1, arguments[at]) for at in (2, 3, 4))
        half = ir.Constant(_VECTOR, [0.5] * LANES)
        row.store(0, arguments[2], builder.fadd(here, builder.fmul(half, builder.fadd(back, forth)), flags=_FUSE))
        return context.get_dummy_value()

    return numba.void(new, old, numba.intp, numba.intp, numba.intp), generate


@intrinsic
@no_type_check
def combine(typing, columns, at, stride, values, width, column, vertices, weights, first, corners):
    """Of eight pixels the weighted sums of their vertices' values in eight columns, each column's side by side.

    ``columns[at + c * stride + p]`` becomes the sum over entries e of pixel p, E = ``len(corners)`` of them from
    ``first + p * E`` on, of ``weights[e] * values[vertices[e] * width + column + c]``.
    """
    count = corners.count

    def generate(context, builder, signature, arguments):
        row = _Rows(context, builder, signature, arguments)
        at, stride, width, column, first = (arguments[i] for i in (1, 2, 4, 5, 8))
        sums = []
        for pixel in range(LANES):
            total = ir.Constant(_VECTOR, [0.0] * LANES)
            for entry in range(pixel * count, (pixel + 1) * count):
                place, weight = row.entry(6, 7, builder.add(first, _INDEX(entry)))
                vector = row.load(3, builder.add(builder.mul(place, width), column))
                total = builder.fadd(total, builder.fmul(weight, vector, flags=_FUSE), flags=_FUSE)
            sums.append(total)
        for lane, vector in enumerate(_transposed(builder, sums)):
            row.store(0, builder.add(at, builder.mul(stride, _INDEX(lane))), vector)
        return context.get_dummy_value()

    index = numba.intp
    return numba.void(columns, index, index, values, index, index, vertices, weights, index, corners), generate


@intrinsic
@no_type_check
def scatter(typing, columns, at, stride, sums, width, column, vertices, weights, first, corners):
    """The reverse of :func:`combine`: adds to ``sums`` at each pixel's vertices its eight values times the weights."""
    count = corners.count

    def generate(context, builder, signature, arguments):
        row = _Rows(context, builder, signature, arguments)
        at, stride, width, column, first = (arguments[i] for i in (1, 2, 4, 5, 8))
        lanes = [row.load(0, builder.add(at, builder.mul(stride, _INDEX(lane)))) for lane in range(LANES)]
        for pixel, vector in enumerate(_transposed(builder, lanes)):
            for entry in range(pixel * count, (pixel + 1) * count):
                place, weight = row.entry(6, 7, builder.add(first, _INDEX(entry)))
                target = builder.add(builder.mul(place, width), column)
                share = builder.fmul(weight, vector, flags=_FUSE)
                row.store(3, target, builder.fadd(row.load(3, target), share, flags=_FUSE))
        return context.get_dummy_value()

    index = numba.intp
    return numba.void(columns, index, index, sums, index, index, vertices, weights, index, corners), generate


@intrinsic
@no_type_check
def exp2_of_whole(typing, exponent):
    """2 to the power of an int32 from −126 to 127, put together from its bits."""

    def generate(context, builder, signature, arguments):
        biased = builder.add(arguments[0], ir.Constant(ir.IntType(32), 127))
        return builder.bitcast(builder.shl(biased, ir.Constant(ir.IntType(32), 23)), ir.FloatType())

    return numba.float32(numba.int32), generate


class _Rows:
    """Reads and writes eight values of an intrinsic's arguments, which are told by their positions."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self._builder = builder
        self._data = [
            context.make_array(kind)(context, builder, argument).data if isinstance(kind, numba.types.Array) else None
            for kind, argument in zip(signature.args, arguments, strict=True)
        ]

    def load(self, array: int, at: Any) -> Any:
        return self._builder.load(self._vector(array, at), align=4)

    def store(self, array: int, at: Any, vector: Any) -> None:
        self._builder.store(vector, self._vector(array, at), align=4)

    def entry(self, vertices: int, weights: int, at: Any) -> tuple[Any, Any]:
        """The vertex of an entry as an index, and its weight eight times."""
        builder = self._builder
        place = builder.sext(builder.load(builder.gep(self._data[vertices], [at])), _INDEX)
        weight = builder.load(builder.gep(self._data[weights], [at]))
        nothing, lane = ir.Constant(_VECTOR, ir.Undefined), ir.IntType(32)
        single = builder.insert_element(nothing, weight, ir.Constant(lane, 0))
        return place, builder.shuffle_vector(single, nothing, ir.Constant(ir.VectorType(lane, LANES), [0] * LANES))

    def _vector(self, array: int, at: Any) -> Any:
        return self._builder.bitcast(self._builder.gep(self._data[array], [at]), _VECTOR.as_pointer())


def _transposed(builder: Any, vectors: list[Any]) -> list[Any]:
    """Eight vectors of eight values, rows for columns: blocks of 1, 2 and 4 change places over the diagonal."""
    kind = ir.VectorType(ir.IntType(32), LANES)
    for side in (1, 2, 4):
        upper = ir.Constant(kind, [lane ^ side | LANES if lane & side else lane for lane in range(LANES)])
        lower = ir.Constant(kind, [lane | LANES if lane & side else lane ^ side for lane in range(LANES)])
        changed = list(vectors)
        for first in (first for first in range(LANES) if not first & side):
            pair = vectors[first], vectors[first | side]
            changed[first] = builder.shuffle_vector(*pair, upper)
            changed[first | side] = builder.shuffle_vector(*pair, lower)
        vectors = changed
    return vectors
