"""Feature columns and the layers that turn their ids and numbers into vectors and logits."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.features.columns import (
        CategoricalColumn,
        NumericColumn,
        SequenceColumn,
        check_columns,
        select,
    )
    from recsys_lib.features.crosses import CrossProduct, all_pairs, collision_report
    from recsys_lib.features.embedding import (
        FusedEmbedding,
        build_inputs,
        check_l2,
        embed_fields,
        embed_groups,
    )
    from recsys_lib.features.penalties import EmbeddingL2
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
