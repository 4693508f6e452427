"""StableHLO operations between devices.

Groups are rows of replica numbers; with a channel they are numbers of partitions (or, with
`use_global_device_ids`, of all replicas times partitions).
Source: StableHLO specification, "Ops".
"""

from collections.abc import Sequence

import numpy as np

from numax._engine.stablehlo.builder import Builder, Value
from numax._engine.stablehlo.structure import Body, region
from numax._engine.stablehlo.types import integer_matrix

_UINT32 = np.dtype(np.uint32)
Groups = Sequence[Sequence[int]]


def _group_attrs(groups: Groups, channel: int | None, use_global_device_ids: bool = False) -> str:
    attrs = f"replica_groups = {integer_matrix(groups)}"
    if use_global_device_ids:
        attrs += ", use_global_device_ids"
    return attrs + _channel(channel)


def _channel(channel: int | None) -> str:
    if channel is None:
        return ""
    return f", channel_handle = #stablehlo.channel_handle<handle = {channel}, type = 1>"


def all_gather(
    b: Builder,
    x: Value,
    dimension: int,
    replica_groups: Groups,
    channel: int | None = None,
    use_global_device_ids: bool = False,
) -> Value:
    """Emit the arrays of a group joined along a dimension."""
    shape = list(x.shape)
    shape[dimension] *= len(replica_groups[0])
    attrs = f"all_gather_dim = {dimension} : i64, "
    attrs += _group_attrs(replica_groups, channel, use_global_device_ids)
    return b.op("all_gather", [x], tuple(shape), x.dtype, attrs)


def all_reduce(
    b: Builder,
    x: Value,
    body: Body,
    replica_groups: Groups,
    channel: int | None = None,
    use_global_device_ids: bool = False,
) -> Value:
    """Emit the arrays of a group combined, element by element, by (b, x, y) -> scalar."""
    attrs = _group_attrs(replica_groups, channel, use_global_device_ids)
    block = region(b, [((), x.dtype)] * 2, body)
    return b.op("all_reduce", [x], x.shape, x.dtype, attrs, [block])


def reduce_scatter(
    b: Builder,
    x: Value,
    body: Body,
    dimension: int,
    replica_groups: Groups,
    channel: int | None = None,
    use_global_device_ids: bool = False,
) -> Value:
    """Emit this device's part, along a dimension, of `all_reduce`."""
    shape = list(x.shape)
    shape[dimension] //= len(replica_groups[0])
    attrs = f"scatter_dimension = {dimension} : i64, "
    attrs += _group_attrs(replica_groups, channel, use_global_device_ids)
    block = region(b, [((), x.dtype)] * 2, body)
    return b.op("reduce_scatter", [x], tuple(shape), x.dtype, attrs, [block])


def all_to_all(
    b: Builder,
    x: Value,
    split_dimension: int,
    concat_dimension: int,
    replica_groups: Groups,
    channel: int | None = None,
) -> Value:
    """Emit the parts for this device, of x split along one dimension, joined along another."""
    count = len(replica_groups[0])
    shape = list(x.shape)
    shape[split_dimension] //= count
    shape[concat_dimension] *= count
    attrs = (
        f"concat_dimension = {concat_dimension} : i64, split_count = {count} : i64, "
        f"split_dimension = {split_dimension} : i64, {_group_attrs(replica_groups, channel)}"
    )
    return b.op("all_to_all", [x], tuple(shape), x.dtype, attrs)


def collective_permute(
    b: Builder, x: Value, source_target_pairs: Groups, channel: int | None = None
) -> Value:
    """Emit the array of the source; zeros where there is none."""
    attrs = f"source_target_pairs = {integer_matrix(source_target_pairs, 2)}{_channel(channel)}"
    return b.op("collective_permute", [x], x.shape, x.dtype, attrs)


def collective_broadcast(
    b: Builder, x: Value, replica_groups: Groups, channel: int | None = None
) -> Value:
    """Emit the array of the first device of the group; zeros where there is none."""
    return b.op(
        "collective_broadcast", [x], x.shape, x.dtype, _group_attrs(replica_groups, channel)
    )


def partition_id(b: Builder) -> Value:
    """Emit the number of this partition, uint32."""
    return b.emit("stablehlo.partition_id : ", (), _UINT32)


def replica_id(b: Builder) -> Value:
    """Emit the number of this replica, uint32."""
    return b.emit("stablehlo.replica_id : ", (), _UINT32)
