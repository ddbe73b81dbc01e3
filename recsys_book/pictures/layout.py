"""Automatic layout of boxes: rows by what reads what, and few crossings.

The usual three steps, each in its simplest form: rows by the longest path from the inputs, the
order within a row by the middle of the neighbours, and positions by pulling boxes towards them.
An arrow that passes rows has a point in each of them, which takes part as a narrow box.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

SWEEPS = 24
GAP = 16
NARROW = 4.0


def rows_of(
    keys: Iterable[str],
    edges: Iterable[tuple[str, str]],
    widths: Mapping[str, float],
    widest: float,
) -> dict[str, int]:
    """A row for each box, above all that it reads.

    Args:
        keys: of the boxes.
        edges: pairs of a source and a target, without circles.
        widths: of the boxes, in pixels.
        widest: a row that would be wider is cut, and what reads it moves up.

    Returns:
        Dict of key to row, from 0; boxes that read nothing stand below the first that reads them.
    """
    keys, edges = list(keys), list(edges)
    reads, read_by = defaultdict(list), defaultdict(list)
    for source, target in edges:
        reads[target].append(source)
        read_by[source].append(target)
    rows: dict[str, int] = {}

    def settle(key: str) -> int:
        if key not in rows:
            rows[key] = 1 + max((settle(source) for source in reads[key]), default=-1)
        return rows[key]

    for key in keys:
        settle(key)
    for key in sorted(keys, key=lambda key: -rows[key]):
        if read_by[key] and not reads[key]:
            rows[key] = min(rows[target] for target in read_by[key]) - 1
    row = 0
    while row <= max(rows.values()):
        total, moved = 0.0, set()
        for key in [key for key in keys if rows[key] == row]:
            total += widths[key] + GAP
            if total > widest and total > widths[key] + GAP:
                moved.add(key)
        if moved:
            for key in keys:
                if rows[key] > row or key in moved:
                    rows[key] += 1
        row += 1
    return rows


def place(
    keys: Iterable[str],
    edges: Iterable[tuple[str, str]],
    widths: Mapping[str, float],
    widest: float,
) -> tuple[dict[str, tuple[float, int]], dict[tuple[str, str], list[tuple[float, int]]]]:
    """Positions of boxes and of the bends of arrows that pass rows.

    Args:
        keys, edges, widths, widest: as for ``rows_of``.

    Returns:
        Dict of key to its middle, in pixels, and row; and dict of edge to its bends.
    """
    keys, edges = list(keys), list(edges)
    for share in (1, 0.85, 0.7, 0.55, 0.4):
        # The points of passing arrows need room too.
        rows = rows_of(keys, edges, widths, share * widest)
        sizes, of_row, chains = _bent(keys, edges, rows, widths)
        if all(_extent(members, sizes) <= widest for members in of_row.values()):
            break
    links = dict.fromkeys(
        link
        for (source, target), bends in chains.items()
        for link in itertools.pairwise([source, *bends, target])
    )
    below, above = defaultdict(list), defaultdict(list)
    for first, second in links:
        below[second].append(first)
        above[first].append(second)
    order = _ordered(of_row, below, above)
    middles = _pulled(order, below, above, sizes)
    lowest = min(middles[key] - sizes[key] / 2 for key in middles)
    if max(middles[key] + sizes[key] / 2 for key in middles) - lowest > widest:
        _squeeze(order, middles, sizes, widest)
        lowest = min(middles[key] - sizes[key] / 2 for key in middles)
    return (
        {key: (middles[key] - lowest, rows[key]) for key in keys},
        {
            edge: [
                (middles[bend] - lowest, rows[edge[0]] + step)
                for step, bend in enumerate(bends, start=1)
            ]
            for edge, bends in chains.items()
        },
    )


def _bent(keys, edges, rows, widths):
    """The width of everything in the rows, what stands in each row, and the bends of each edge."""
    sizes: dict[Any, float] = dict(widths)
    chains: dict[tuple[str, str], list[Any]] = {}
    of_row: dict[int, list[Any]] = defaultdict(list)
    for key in keys:
        of_row[rows[key]].append(key)
    for source, target in edges:
        # Arrows from one box run together until they part.
        bends: list[Any] = [(source, row) for row in range(rows[source] + 1, rows[target])]
        for bend in bends:
            if bend not in sizes:
                sizes[bend] = NARROW
                of_row[bend[1]].append(bend)
        chains[source, target] = bends
    return sizes, of_row, chains


def _extent(members, sizes):
    """The least width of a row."""
    return _offset(members, sizes)[-1] + (sizes[members[0]] + sizes[members[-1]]) / 2


def _ordered(of_row, below, above):
    """Rows in an order with few crossings: the best of several sweeps up and down."""
    order = {row: list(members) for row, members in of_row.items()}
    best, fewest = {row: list(m) for row, m in order.items()}, _crossings(order, above)
    for sweep in range(SWEEPS):
        upwards = sweep % 2 == 0
        neighbours = below if upwards else above
        for row in sorted(order, reverse=not upwards):
            position = {key: place for r in order for place, key in enumerate(order[r])}

            def middle(key, position=position, neighbours=neighbours):
                near = sorted(position[other] for other in neighbours[key])
                return sum(near) / len(near) if near else position[key]

            order[row] = sorted(order[row], key=middle)
        crossings = _crossings(order, above)
        if crossings < fewest:
            best, fewest = {row: list(m) for row, m in order.items()}, crossings
    return best


def _crossings(order, above):
    found = 0
    for row, members in order.items():
        upper = {key: place for place, key in enumerate(order.get(row + 1, []))}
        ends = [(place, upper[o]) for place, key in enumerate(members) for o in above[key]]
        for (a, b), (c, d) in itertools.combinations(ends, 2):
            found += (a - c) * (b - d) < 0
    return found


def _pulled(order, below, above, sizes):
    """The middle of everything: as near to its neighbours as the order and the widths allow."""
    middles = {}
    for members in order.values():
        left = 0.0
        for key in members:
            middles[key] = left + sizes[key] / 2
            left += sizes[key] + GAP
    for _ in range(SWEEPS):
        for row in sorted(order):
            _settle(order[row], middles, below, above, sizes)
        for row in sorted(order, reverse=True):
            _settle(order[row], middles, below, above, sizes)
    return middles


def _settle(members, middles, below, above, sizes):
    wanted = []
    for key in members:
        near = [middles[other] for other in [*below[key], *above[key]]]
        wanted.append(sum(near) / len(near) if near else middles[key])
    # Boxes that would overlap form a block, which stands where its members want it on average.
    blocks = []
    for key, middle in zip(members, wanted, strict=True):
        blocks.append([[key], middle, 1])
        while len(blocks) > 1:
            first, second = blocks[-2], blocks[-1]
            apart = _offset(first[0] + second[0], sizes)[len(first[0])] - 0.0
            if second[1] - first[1] >= apart - 1e-9:
                break
            count = first[2] + second[2]
            start = (first[1] * first[2] + (second[1] - apart) * second[2]) / count
            blocks[-2:] = [[first[0] + second[0], start, count]]
    for keys, start, _ in blocks:
        for key, offset in zip(keys, _offset(keys, sizes), strict=True):
            middles[key] = start + offset


def _squeeze(order, middles, sizes, widest):
    """Bring everything between 0 and the widest a row may be, in its order, where there is room."""
    least = min(middles[key] - sizes[key] / 2 for key in middles)
    most = max(middles[key] + sizes[key] / 2 for key in middles)
    for members in order.values():
        places = [(middles[key] - least) * widest / (most - least) for key in members]
        apart = [b - a for a, b in itertools.pairwise(_offset(members, sizes))]
        for place, key in enumerate(members):
            left = places[place - 1] + apart[place - 1] if place else sizes[key] / 2
            places[place] = max(places[place], left)
        for place in reversed(range(len(members))):
            is_last = place == len(members) - 1
            right = widest - sizes[members[place]] / 2
            right = right if is_last else places[place + 1] - apart[place]
            places[place] = min(places[place], right)
        middles |= dict(zip(members, places, strict=True))


def _offset(keys, sizes):
    """How far the middles of boxes side by side are from the first one's."""
    found = [0.0]
    for first, second in itertools.pairwise(keys):
        gap = GAP if NARROW not in (sizes[first], sizes[second]) else GAP / 2
        found.append(found[-1] + (sizes[first] + sizes[second]) / 2 + gap)
    return found
