"""GDCN: each cross layer of DCN-V2 gets a gate that lets crosses of a row pass, or holds them back.

DCN-V2 crosses everything with everything in each layer, and with the depth the useless products
become more. Here a gate, a number from 0 to 1 for each component, decides from ``c_l`` how much of
the new products joins:

    c_(l+1) = c_0 o (W_c c_l + b) o sigmoid(W_g c_l) + c_l        W_c, W_g in R^(d x d)

A gate of ones is DCN-V2's layer. With the gate a cross is no polynomial of ``c_0`` any more. GDCN-P
has the network beside the crosses, as DCN-V2 here; in GDCN-S the network reads the crosses.

All features of the paper have embeddings, and it fits their widths to the fields; here numbers are
part of ``c_0`` as they are, and columns may state widths. The authors' code starts b uniformly
between 0 and 1; here it starts at zero, as in DCN-V2.

Source: Wang et al. 2023, "Towards Deeper, Lighter and Interpretable Cross Network for CTR
Prediction", the section on the gated cross network and its two structures.
Taught in chapter 03, "Five models of 2020 to 2023".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from recsys_lib.checks import check_bool, check_integer, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.higher_order.dcn import MatrixCrossLayer
from recsys_lib.layers.blocks import MLP, side_by_side
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import DeepOptions, options_for, shared_options, tables


@keras.saving.register_keras_serializable("recsys_lib")
class GatedCrossLayer(MatrixCrossLayer):
    """GDCN's layer: ``c_0 o (W_c c_l + b) o sigmoid(W_g c_l) + c_l``; the gate has no bias.

    Attributes:
        kernel, gate_kernel: ``W_c`` and ``W_g``, transposed, ``(d, d)``. bias: ``(d,)``.

    Call arguments, returns and raises as for ``CrossLayer``.
    """

    def __init__(self, **kwargs):
        super().__init__(rank=None, **kwargs)

    def build(self, first_shape, current_shape):
        super().build(first_shape, current_shape)
        self.gate_kernel = self.add_weight(name="gate_kernel", shape=self.kernel.shape)

    def call(self, first, current):
        gate = ops.sigmoid(ops.matmul(current, self.gate_kernel))
        return first * (ops.matmul(current, self.kernel) + self.bias) * gate + current


@shared_options()
def build_gdcn(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    num_cross_layers: int = 3,
    stacked: bool = False,
    **common: Unpack[DeepOptions],
) -> keras.Model:
    """Build GDCN.

    Args:
        feature_columns, tasks, num_cross_layers, **common: as for ``build_dcn``.
        stacked: False: the network stands beside the crosses (GDCN-P). True: it reads them
            (GDCN-S).

    Returns:
        As ``build_dcn``. In GDCN-S the layer ``logit`` reads the network alone.

    Raises:
        ValueError: as ``build_dcn``.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_gdcn(columns, "click", embedding_dim=4, hidden_units=(5,), stacked=True)
        >>> model.get_layer("cross_1").output.shape, model.get_layer("deep").output.shape
        ((None, 8), (None, 5))
    """
    check_bool("stacked", stacked)
    num_cross_layers = check_integer("num_cross_layers", num_cross_layers)
    inputs = build_inputs(feature_columns)
    groups = embed_groups(inputs, feature_columns, **tables(feature_columns, common))
    first = keras.layers.Identity(name="cross_input")(side_by_side(groups.values()))
    crosses = first  # (batch, d)
    for depth in range(1, num_cross_layers + 1):
        crosses = GatedCrossLayer(name=f"cross_{depth}")(first, crosses)
    outputs = [crosses]
    if check_widths("hidden_units", common["hidden_units"], at_least=0):
        network = MLP(**options_for(MLP, common), name="deep")
        outputs = [network(crosses)] if stacked else [crosses, network(first)]
    logit = keras.layers.Dense(1, use_bias=False, name="logit")(side_by_side(outputs))
    return keras.Model(inputs, predict_one(tasks, logit), name="gdcn")
