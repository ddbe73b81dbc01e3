"""Another way to the numbers of the public tests of chapter 07: pair by pair, sum by sum."""

import itertools
import math


def pair_loss_by_loops(score, label, page):
    total = rows = 0.0
    for one in sorted(set(page)):
        own = [(s, y) for s, y, p in zip(score, label, page, strict=True) if p == one]
        lost = [
            math.log(1 + math.exp(other - clicked))
            for (clicked, y), (other, x) in itertools.permutations(own, 2)
            if y == 1 and x == 0
        ]
        if lost:
            total, rows = total + len(own) * sum(lost) / len(lost), rows + len(own)
    return total / rows


def platt_by_cramer(score, label, steps):
    slope, shift = 1.0, 0.0
    for _ in range(steps):
        p = [1 / (1 + math.exp(-slope * s - shift)) for s in score]
        off = [one - y for one, y in zip(p, label, strict=True)]
        spread = [one * (1 - one) for one in p]
        by_slope, by_shift = sum(o * s for o, s in zip(off, score, strict=True)), sum(off)
        square, mixed, plain = (
            sum(v * s**power for v, s in zip(spread, score, strict=True)) for power in (2, 1, 0)
        )
        area = square * plain - mixed**2
        slope -= (by_slope * plain - by_shift * mixed) / area
        shift -= (by_shift * square - by_slope * mixed) / area
    return slope, shift


ANSWERS = {
    "one_request.pair_loss": pair_loss_by_loops,
    "one_request.platt_line": platt_by_cramer,
}
