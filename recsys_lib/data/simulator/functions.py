"""Functions of several fields' ids that lenses plant: main effects and pairs of low rank.

Each is of mean 0 and variance 1 over all combinations of ids. Used by the lenses of chapters 05 and
06, whose tasks and scenarios are such functions, alike in part.
"""

import itertools

import numpy as np

from recsys_lib.data.simulator.world import stream


def plant_functions(
    seed: int,
    lens: str,
    names: list[str],
    num_fields: int,
    num_ids: int,
    num_pairs: int,
    rank: int,
    main_share: float,
) -> dict[str, np.ndarray]:
    """Draw the tables of some functions; a function depends on its name alone.

    Args:
        seed, lens: of the random streams.
        names: of the functions.
        num_fields, num_ids: fields, and ids of each.
        num_pairs: pairs of fields that interact in each function.
        rank: number of factors behind each interaction.
        main_share: share of each function's variance that main effects make up.

    Returns:
        ``main`` ``(functions, F, V)``, ``pairs`` ``(functions, P, 2)`` int64, ``interaction``
        ``(functions, P, V, V)``, indexed by id - 1.

    Raises:
        ValueError: more pairs than the fields have.
    """
    every_pair = np.array(list(itertools.combinations(range(num_fields), 2)))
    if num_pairs > len(every_pair):
        most = f"at most {len(every_pair)} of {num_fields} fields"
        raise ValueError(f"num_pairs: expected {most}, got {num_pairs}")
    main = np.empty((len(names), num_fields, num_ids))
    pairs = np.empty((len(names), num_pairs, 2), np.int64)
    interaction = np.empty((len(names), num_pairs, num_ids, num_ids))
    for function, name in enumerate(names):

        def normal(part, *shape, name=name):
            return stream(seed, lens, f"function/{name}/{part}").standard_normal(shape)

        order = stream(seed, lens, f"function/{name}/pairs").random(len(every_pair))
        pairs[function] = every_pair[np.sort(np.argsort(order)[:num_pairs])]
        for field in range(num_fields):
            effects = normal(f"main/{field}", num_ids)
            scale = np.sqrt(main_share / num_fields) / effects.std()
            main[function, field] = scale * (effects - effects.mean())
        for position, (i, j) in enumerate(pairs[function]):
            # Factors of mean zero: an interaction without main effects.
            first, second = (
                factors - factors.mean(axis=1, keepdims=True)
                for factors in (
                    normal(f"factors/{i}-{j}/{side}", rank, num_ids) for side in ("first", "second")
                )
            )
            # Summed one dimension at a time: a matrix product would depend on the BLAS library.
            product = sum(a[:, None] * b[None, :] for a, b in zip(first, second, strict=True))
            scale = np.sqrt((1 - main_share) / num_pairs) / product.std()
            interaction[function, position] = scale * product
    return {"main": main, "pairs": pairs, "interaction": interaction}


def function_value(truth, function, ids):
    """Value of each row's function.

    Args:
        truth: of the data set.
        function: ``(N,)`` numbers of functions, 0 the shared one.
        ids: ``(N, F)`` ids of the fields, from 0.

    Returns:
        ``(N,)`` float64.
    """
    rows = np.arange(len(ids))
    value = np.zeros(len(ids))
    for field in range(ids.shape[1]):
        value += truth["main"][function, field, ids[:, field]]
    for position in range(truth["pairs"].shape[1]):
        first, second = truth["pairs"][function, position].T
        value += truth["interaction"][function, position, ids[rows, first], ids[rows, second]]
    return value
