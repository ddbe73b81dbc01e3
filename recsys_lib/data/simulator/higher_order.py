"""The higher-order lens: the click depends on a product of ``order`` fields and nothing less.

Every field of a row is +1 or -1, an even chance of each. The log-odds of a click are

    logit = bias + strength * sum_p prod_(f in product p) x_f
    p     = label_noise + (1 - 2 * label_noise) * sigmoid(logit)

The product of ``order`` signs is uncorrelated with every product of fewer of them: no single field
and no smaller group of fields says anything about the click, so a model that cannot form a term
of that degree stays at the base rate.

``as_numbers`` decides what a model is given. Numbers, +1 and -1, enter a cross network as they
are, so its output is a polynomial in the fields and its degree decides what it can express. Ids
enter as embeddings, which have to find out first which ids mean +1; that is another, harder
question, and what can be expressed then need not be learned.

Chapter 03, "Higher-order interactions".
"""

import numpy as np

from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.world import Rows, SimulatedDataset, make_dataset, sigmoid, stream
from recsys_lib.features.columns import CategoricalColumn, NumericColumn

LENS = "higher_order"
TASK = "click"


def higher_order(
    num_rows: int = 100_000,
    num_fields: int = 8,
    order: int = 3,
    products: int = 1,
    strength: float = 2.5,
    label_noise: float = 0.0,
    bias: float = 0.0,
    as_numbers: bool = True,
    num_ids: int = 2,
    num_valid_rows: int = 10_000,
    num_test_rows: int = 40_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks that depend on products of several fields.

    Args:
        num_rows: rows of the training split.
        num_fields: number of fields F.
        order: number of fields in a product.
        products: number of products. The first takes the fields 0 to ``order - 1``, the next one
            the fields after them, and so on; the fields left over mean nothing.
        strength: by how much each product raises or lowers the log-odds.
        label_noise: share of the labels that are turned around at random; the probability takes
            it into account.
        bias: log-odds without products.
        as_numbers: give the fields as numbers +1 and -1, or as ids.
        num_ids: number of ids of a field, an even number: the first half mean -1, the second half
            +1. Only 2 with ``as_numbers``.
        num_valid_rows, num_test_rows: rows of the other splits, drawn like training rows.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the columns ``field_0``, ``field_1``, ... (group ``context``):
        ``NumericColumn`` (float32) or ``CategoricalColumn`` (int32 ids from 1); the task
        ``click``; ``group`` is 1 where ``field_0`` is -1 and 2 where it is +1. No slices. Its
        ``truth`` holds ``products`` ``(products, order)`` int64, the fields of each product;
        ``sign`` ``(num_ids,)``, what each id means, indexed by id - 1; and for heat maps
        ``same_product`` ``(F, F)``, 1 where two different fields share a product and 0 elsewhere.

        Common random numbers: ``order``, ``products``, ``strength``, ``label_noise`` and ``bias``
        change probabilities and labels, never a row; ``num_ids`` and ``as_numbers`` never a sign.
        ``num_rows`` adds rows at the end.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    _check_together(knobs)
    truth = _plant(**knobs)
    rows = {
        split_name: _draw_rows(split_name, knobs[size], truth, knobs)
        for split_name, size in (
            ("train", "num_rows"),
            ("valid", "num_valid_rows"),
            ("test", "num_test_rows"),
        )
    }
    columns = tuple(
        NumericColumn(name) if as_numbers else CategoricalColumn(name, knobs["num_ids"] + 1)
        for name in (f"field_{field}" for field in range(knobs["num_fields"]))
    )
    return make_dataset(LENS, columns, rows, seed, truth, knobs)


def _check_together(knobs):
    needed = knobs["order"] * knobs["products"]
    if needed > knobs["num_fields"]:
        raise ValueError(
            f"products: {knobs['products']} of order {knobs['order']} need {needed} fields, "
            f"expected at most num_fields, which is {knobs['num_fields']}"
        )
    if knobs["num_ids"] % 2:
        raise ValueError(f"num_ids: expected an even number, got {knobs['num_ids']}")
    if knobs["as_numbers"] and knobs["num_ids"] != 2:
        raise ValueError(
            f"num_ids: expected 2 where the fields are numbers, got {knobs['num_ids']}"
        )


def _plant(num_fields, order, products, num_ids, **_):
    fields = np.arange(order * products, dtype=np.int64).reshape(products, order)
    same_product = np.zeros((num_fields, num_fields))
    for product in fields:
        same_product[np.ix_(product, product)] = 1.0
    np.fill_diagonal(same_product, 0.0)
    return {
        "products": fields,
        "sign": np.repeat([-1.0, 1.0], num_ids // 2),
        "same_product": same_product,
    }


def _draw_rows(split_name, num_rows, truth, knobs):
    ids = np.empty((knobs["num_fields"], num_rows), np.int64)  # from 0
    for field in range(knobs["num_fields"]):
        uniform = stream(knobs["seed"], LENS, f"draws/{split_name}/field_{field}").random(num_rows)
        ids[field] = uniform * knobs["num_ids"]
    signs = truth["sign"][ids]  # (num_fields, num_rows)
    logit = np.full(num_rows, knobs["bias"])
    for product in truth["products"]:
        logit += knobs["strength"] * signs[product].prod(axis=0)
    noise = knobs["label_noise"]
    values = signs.astype(np.float32) if knobs["as_numbers"] else (ids + 1).astype(np.int32)
    return Rows(
        # Copies: rows of one array would share memory with each other.
        features={f"field_{field}": row.copy() for field, row in enumerate(values)},
        probability={TASK: noise + (1 - 2 * noise) * sigmoid(logit)},
        group=np.where(signs[0] < 0, 1, 2).astype(np.int32),
    )
