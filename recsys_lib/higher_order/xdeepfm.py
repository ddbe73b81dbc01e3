"""xDeepFM: crosses whole embedding vectors, to a degree that depth sets, beside a plain network.

Layer k of the compressed interaction network (CIN) multiplies each of its H_(k-1) input maps,
component by component, with each of the m fields and compresses the products to H_k new maps:

    X^k_h = f(sum_(i,j) W^(k,h)_(i,j) (X^(k-1)_i o X^0_j))          X^k in R^(H_k x D)

Every map is summed over its D components; the sums of all layers give one logit, the linear term
and the network one each. f is the identity, which the paper found best.

Source: Lian et al. 2018, "xDeepFM: Combining Explicit and Implicit Feature Interactions for
Recommender Systems", equations 6 to 8 and 11.
Taught in chapter 03, "xDeepFM".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import KerasTensor, ops

from recsys_lib.checks import check_bool, check_integer, check_known, check_shape, check_widths
from recsys_lib.features.columns import Column, check_l2
from recsys_lib.features.embedding import build_inputs, embed_fields
from recsys_lib.layers.blocks import deep_logit, flatten_fields, linear_logit, side_by_side
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import (
    Activation,
    Configured,
    DeepLinearOptions,
    TableOptions,
    Widths,
    options_for,
    shared_options,
    tables,
)


@keras.saving.register_keras_serializable("recsys_lib")
class CINLayer(Configured):
    """One layer of the compressed interaction network.

    Computed as two matrix products: the outer products of fields and maps for each component of
    each row, ``(batch, D, num_fields * previous_maps)``, and their compression. The largest array
    thus does not grow with the number of new maps. Of the last layer the sums over D are all that
    is read; without an activation they need the inner products of fields and maps alone,

        sum_d X^k_hd = sum_(i,j) W^(k,h)_(i,j) <X^(k-1)_i, X^0_j>

    so that D times fewer numbers are compressed.

    Args:
        num_maps: number of new feature maps H_k.
        activation: Keras activation of the maps; default: none.
        pooled: return the maps' sums over D in place of the maps.

    Call arguments:
        fields: ``X^0``, ``(batch, num_fields, D)``.
        maps: ``X^(k-1)``, ``(batch, previous_maps, D)``; the fields themselves in layer 1.

    Returns:
        ``X^k``, ``(batch, num_maps, D)``, or where they are pooled ``(batch, num_maps)``.

    Attributes:
        kernel: ``(num_fields, previous_maps, num_maps)``; ``kernel[j, i, h]`` is W^(k,h)_(i,j).

    Raises:
        ValueError: fields and maps of different width.
    """

    def __init__(self, num_maps, activation=None, pooled=False, **kwargs):
        super().__init__(**kwargs)
        self.num_maps = check_integer("num_maps", num_maps)
        self.activation = check_known("activation", activation, keras.activations)
        self.pooled = check_bool("pooled", pooled)

    def build(self, fields_shape, maps_shape):
        for shape in (fields_shape, maps_shape):
            check_shape(self, shape, 3, "(batch, vectors, embedding_dim)")
        if fields_shape[2] != maps_shape[2]:
            raise ValueError(
                f"{self.name!r}: expected fields and maps of one width, "
                f"got {fields_shape[2]} and {maps_shape[2]}"
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(fields_shape[1], maps_shape[1], self.num_maps),
            # Fan-in is num_fields * previous_maps, the number of products that a map adds up.
            initializer=keras.initializers.VarianceScaling(1.0, "fan_in", "uniform"),
        )

    def call(self, fields, maps):
        dim, num_products = fields.shape[2], fields.shape[1] * maps.shape[1]
        kernel = ops.reshape(self.kernel, (num_products, self.num_maps))
        if self.pooled and self.activation is keras.activations.linear:
            inner = ops.matmul(fields, ops.transpose(maps, (0, 2, 1)))  # (batch, fields, maps)
            return ops.matmul(ops.reshape(inner, (-1, num_products)), kernel)
        fields = ops.expand_dims(ops.transpose(fields, (0, 2, 1)), 3)  # (batch, D, fields, 1)
        maps = ops.expand_dims(ops.transpose(maps, (0, 2, 1)), 2)  # (batch, D, 1, maps)
        # As a product of matrices rather than by broadcasting: its gradient is one too.
        products = ops.reshape(ops.matmul(fields, maps), (-1, num_products))
        new_maps = ops.reshape(ops.matmul(products, kernel), (-1, dim, self.num_maps))
        return self.activated(ops.transpose(new_maps, (0, 2, 1)))

    def activated(self, maps):
        """What the layer returns: the maps behind the activation, or the sums of these over D."""
        maps = self.activation(maps)
        return ops.sum(maps, axis=2) if self.pooled else maps

    def compute_output_shape(self, fields_shape, maps_shape):
        return (fields_shape[0], self.num_maps, *(() if self.pooled else (fields_shape[2],)))


def compressed_interaction(
    fields: KerasTensor,
    layer_sizes: Widths,
    activation: Activation | None = None,
    split_half: bool = False,
) -> KerasTensor:
    """The whole network: stacked ``CINLayer``s, their maps pooled and put side by side.

    Args:
        fields: ``(batch, num_fields, D)``.
        layer_sizes: number of maps of each layer.
        activation: of the maps; default: none.
        split_half: the authors' code: of each layer but the last, the first half of the maps is
            passed on and only the other half is pooled. Default: every map is pooled and passed
            on, as the paper says.

    Returns:
        ``(batch, sum of the numbers of pooled maps)``. The layers are named ``cin_1``, ``cin_2``,
        ... and ``cin_pooled``; the last ``CINLayer`` pools its maps itself.

    Raises:
        ValueError: no layer, a size below 1, or an odd size where halves are wanted.
    """
    layer_sizes = check_widths("cin_layer_sizes", layer_sizes)
    check_bool("split_half", split_half)
    maps, pooled = fields, []
    for depth, size in enumerate(layer_sizes[:-1], start=1):
        maps = CINLayer(size, activation, name=f"cin_{depth}")(fields, maps)  # (batch, size, D)
        to_pool = maps
        if split_half:
            if size % 2:
                raise ValueError(
                    f"cin_layer_sizes: split_half needs even sizes before the last layer, "
                    f"got {layer_sizes}"
                )
            maps, to_pool = maps[:, : size // 2], maps[:, size // 2 :]
        pooled.append(ops.sum(to_pool, axis=2))  # (batch, pooled maps)
    name = f"cin_{len(layer_sizes)}"
    pooled.append(CINLayer(layer_sizes[-1], activation, pooled=True, name=name)(fields, maps))
    return keras.layers.Identity(name="cin_pooled")(side_by_side(pooled))


@shared_options()
def build_xdeepfm(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    cin_layer_sizes: Widths = (32, 32),
    cin_activation: Activation | None = None,
    split_half: bool = False,
    linear: bool = True,
    **common: Unpack[DeepLinearOptions],
) -> keras.Model:
    """Build xDeepFM: linear term, CIN and network, on one set of embeddings.

    Args:
        feature_columns: columns of any kind; a number is a field, its value times a vector.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        cin_layer_sizes: numbers of feature maps; k layers reach products of k + 1 fields.
        cin_activation: of the maps; None is the paper's choice, ``"relu"`` a common other one,
            after which the maps are no longer polynomials of the fields.
        split_half: see ``compressed_interaction``.
        linear: whether the linear term is there.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``LinearOptions``. Without hidden
            layers there is no network.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers to look at:
        ``cin_1``, ``cin_2``, ... with the feature maps, each ``(batch, size, D)``, and of the last
        one their sums, ``(batch, size)``; ``cin_pooled``, ``(batch, pooled maps)``; ``cin_logit``
        with the weight of each map; ``linear``; ``deep``, the network's last layer, and
        ``deep_logit``.

    Raises:
        ValueError: an option out of range, a column with another width, or several tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_xdeepfm(columns, "click", embedding_dim=4, cin_layer_sizes=(5, 3))
        >>> model.get_layer("cin_1").output.shape, model.get_layer("cin_pooled").output.shape
        ((None, 5, 4), (None, 8))
    """
    linear_l2 = check_l2(feature_columns, common["linear_l2"], "linear_l2")
    inputs = build_inputs(feature_columns)
    fields = embed_fields(inputs, feature_columns, **tables(feature_columns, common))
    pooled = compressed_interaction(fields, cin_layer_sizes, cin_activation, split_half)
    logits = [deep_logit(pooled, (), name="cin")]
    if check_bool("linear", linear):
        logits.append(linear_logit(inputs, feature_columns, l2=linear_l2))
    if check_widths("hidden_units", common["hidden_units"], at_least=0):
        logits.append(deep_logit(flatten_fields(fields), **options_for(deep_logit, common)))
    return keras.Model(inputs, predict_one(tasks, logits), name="xdeepfm")


@shared_options()
def build_cin(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    cin_layer_sizes: Widths = (32, 32),
    cin_activation: Activation | None = None,
    split_half: bool = False,
    **common: Unpack[TableOptions],
) -> keras.Model:
    """Build the CIN alone, without linear term and network.

    Args:
        feature_columns: columns of any kind; a number is a field, its value times a vector.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        cin_layer_sizes, cin_activation, split_half: as for ``build_xdeepfm``.
        **common: see ``TableOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``, with the layers
        ``cin_...`` of ``build_xdeepfm``.

    Raises:
        ValueError: as ``build_xdeepfm``.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_cin(columns, "click", embedding_dim=4, cin_layer_sizes=(5, 3))
        >>> model.get_layer("cin_logit").kernel.shape[0]  # a weight for each map
        8
    """
    model = build_xdeepfm(
        feature_columns,
        tasks,
        cin_layer_sizes=cin_layer_sizes,
        hidden_units=(),
        cin_activation=cin_activation,
        split_half=split_half,
        linear=False,
        **common,
    )
    return keras.Model(model.input, model.output, name="cin")
