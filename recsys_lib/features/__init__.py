"""Feature columns and the layers that turn their ids and numbers into vectors and logits."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.features.columns import (
        CategoricalColumn,
        EmbeddingL2,
        NumericColumn,
        SequenceColumn,
        check_columns,
        check_l2,
        select,
    )
    from recsys_lib.features.crosses import CrossProduct, all_pairs, collision_report
    from recsys_lib.features.embedding import (
        FusedEmbedding,
        build_inputs,
        embed_fields,
        embed_groups,
    )
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
