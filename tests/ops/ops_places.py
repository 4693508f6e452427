"""The definition of gather and scatter, element by element, and random problems for it."""

import numpy as np
from hypothesis import strategies as st

from numax._engine.ops.places import GatherDimensionNumbers


def starts_of(shape, indices, place, numbers, sizes):
    """The window's first element, and whether it lies inside."""
    start, inside = [0] * len(shape), True
    for k, d in enumerate(numbers.start_index_map):
        i, limit = int(indices[(*place, k)]), shape[d] - sizes[d]
        inside &= 0 <= i <= limit
        start[d] = min(max(i, 0), limit)
    for d, e in zip(
        numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True
    ):
        start[d] = place[e]
    return start, inside


def elements(shape, indices, numbers, sizes, result):
    """Pairs of a place in the result and one in the operand (None: out of bounds); StableHLO's definition."""
    gone = set(numbers.collapsed_slice_dims) | set(numbers.operand_batching_dims)
    window = [d for d in range(len(shape)) if d not in gone]

    def pairs(mode):
        for place in np.ndindex(*result):
            batch = tuple(i for a, i in enumerate(place) if a not in numbers.offset_dims)
            start, inside = starts_of(shape, indices, batch, numbers, sizes)
            for d, a in zip(window, numbers.offset_dims, strict=True):
                start[d] += place[a]
            yield place, tuple(start) if inside or mode == "clip" else None

    return pairs


@st.composite
def problems(draw):
    """Operand shape, index shape, numbers and window sizes that belong together."""
    ndim = draw(st.integers(1, 4))
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=ndim, max_size=ndim)))
    kinds = draw(
        st.lists(st.sampled_from(["window", "gone", "paired"]), min_size=ndim, max_size=ndim)
    )
    paired = [d for d in range(ndim) if kinds[d] == "paired"]
    collapsed = tuple(d for d in range(ndim) if kinds[d] == "gone")
    window = [d for d in range(ndim) if kinds[d] == "window"]
    free = draw(st.lists(st.integers(1, 3), max_size=2))
    order = draw(st.permutations(range(len(free) + len(paired))))
    batch, places = [0] * len(order), []
    for size, at in zip([shape[d] for d in paired] + free, order, strict=True):
        batch[at] = size
    places = tuple(order[: len(paired)])
    moving = [d for d in range(ndim) if kinds[d] != "paired"]
    start_map = tuple(draw(st.permutations(moving))[: draw(st.integers(0, len(moving)))])
    sizes = tuple(
        draw(st.integers(1, shape[d])) if kinds[d] == "window" else 1 for d in range(ndim)
    )
    count = len(batch) + len(window)
    offsets = tuple(sorted(draw(st.permutations(range(count)))[: len(window)]))
    numbers = GatherDimensionNumbers(offsets, collapsed, start_map, tuple(paired), places)
    seed = draw(st.integers(0, 1000))
    indices = np.random.default_rng(seed).integers(-2, 6, (*batch, len(start_map)))
    return shape, indices.astype(np.int32), numbers, sizes


def result_shape(shape, indices, numbers, sizes):
    gone = set(numbers.collapsed_slice_dims) | set(numbers.operand_batching_dims)
    window = iter([n for d, n in enumerate(sizes) if d not in gone])
    batch = iter(indices.shape[:-1])
    count = indices.ndim - 1 + len(numbers.offset_dims)
    return tuple(next(window) if i in numbers.offset_dims else next(batch) for i in range(count))
