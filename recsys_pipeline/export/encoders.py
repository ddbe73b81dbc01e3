"""The encoders of ``recsys_pipeline.files`` as ``Values``, with which a service reads requests."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from recsys_pipeline.export.values import Values

if TYPE_CHECKING:
    from recsys_pipeline.files.encoders import Encoder


def values_of_encoders(encoders: "Iterable[Encoder]") -> dict[str, Values]:
    """How raw values of each column are read.

    Sessions and ages, which are computed from moments, have no values: a request gives the
    history and its moments, see ``recsys_pipeline.export.histories``.

    Args:
        encoders: of a data set that was read from files.

    Returns:
        Dict of feature column to ``Values``.
    """
    # Imported here, since only data that were read from files need it.
    from recsys_pipeline.files.encoders import BinEncoder, NumericEncoder
    from recsys_pipeline.files.sequence_encoder import SequenceEncoder

    found = {}
    rule: dict[str, Any]
    for encoder in encoders:
        source: dict[str, Any] = {"source": encoder.source}
        if isinstance(encoder, NumericEncoder):
            rule = {"logarithm": encoder.logarithm, "shift": encoder.mean, "scale": encoder.spread}
            for other in encoder.columns[1:]:
                found[other.name] = Values(**source, indicator=True)
        elif isinstance(encoder, BinEncoder):
            rule = {"edges": encoder.edges, "missing": encoder.missing_id}
        else:
            words = encoder.vocabulary
            known = [value for value in words.values.to_pylist() if value is not None]
            rule = {"known": known, "missing": words.missing_id, "canonical": words.canonical}
        if isinstance(encoder, SequenceEncoder):
            end = "last" if encoder.column.ordered else "first"
            rule |= {"keep": end, "newest_first": encoder.newest_first}
        found[encoder.column.name] = Values(**source, **rule)
    return found
