"""One process that trains DeepCTR's models on request, on the rows that ours train on.

``python -m benchmarks.peer ROWS`` answers as ``benchmarks.worker`` does. DeepCTR 0.9.4 runs on
Keras 2: install it with ``pip install --no-deps deepctr tf-keras``, anywhere that ``--peer`` names.

A model is here where both libraries have the same one: same widths, no penalty, the linear part
where ours has one. Counts of parameters still differ a little (a bias here, a field there); the
table prints both. Adam and batches as ours; ``fit`` is timed from its first epoch's beginning to
its last one's end, without what it sets up before.
"""

import importlib
import sys
import time

from benchmarks import exchange
from benchmarks.worker import epochs_of_a_round, serve

WIDTH, HIDDEN, BATCH_SIZE = 16, (64, 32), 1024
NO_L2 = {"l2_reg_embedding": 0, "l2_reg_linear": 0}
TOWERS = {"tower_dnn_hidden_units": (16,)}
EXPERTS = {"expert_dnn_hidden_units": (32,), **TOWERS}
LEVELS = {"shared_expert_num": 2, "specific_expert_num": 2, **EXPERTS}
UNIT = {"att_hidden_size": (32, 16), "dnn_activation": "dice"}
CIN = {"cin_layer_size": (32, 32), "cin_split_half": False, "cin_activation": "linear"}

# Key of the zoo: where the builder is, which columns it takes, and options.
MODELS = {
    "fwfm": ("fwfm:FwFM", "both", {"dnn_hidden_units": (), "l2_reg_field_strength": 0}),
    "afm": ("afm:AFM", "both", {"attention_factor": 16, "l2_reg_att": 0}),
    "nfm": ("nfm:NFM", "both", {}),
    "ipnn": ("pnn:PNN", "deep", {"use_inner": True, "use_outter": False}),
    "opnn": ("pnn:PNN", "deep", {"use_inner": False, "use_outter": True}),
    "pnn": ("pnn:PNN", "deep", {"use_inner": True, "use_outter": True}),
    "fibinet_all": ("fibinet:FiBiNET", "both", {"bilinear_type": "all"}),
    "fibinet_each": ("fibinet:FiBiNET", "both", {"bilinear_type": "each"}),
    "fibinet": ("fibinet:FiBiNET", "both", {"bilinear_type": "interaction"}),
    "deepfm": ("deepfm:DeepFM", "both", {}),
    "dcn": ("dcn:DCN", "no linear", {"cross_num": 3, "l2_reg_cross": 0}),
    "dcn_v2": (
        "dcn:DCN",
        "no linear",
        {"cross_num": 3, "cross_parameterization": "matrix", "l2_reg_cross": 0},
    ),
    "dcn_mix": (
        "dcnmix:DCNMix",
        "no linear",
        {"cross_num": 3, "low_rank": 16, "num_experts": 4, "l2_reg_cross": 0},
    ),
    "xdeepfm": ("xdeepfm:xDeepFM", "both", CIN),
    "autoint": ("autoint:AutoInt", "no linear", {"att_embedding_size": 16, "dnn_hidden_units": ()}),
    "autoint_plus": ("autoint:AutoInt", "no linear", {"att_embedding_size": 16}),
    "din": ("sequence.din:DIN", "history", UNIT),
    "dien": (
        "sequence.dien:DIEN",
        "history",
        {"gru_type": "AUGRU", "att_hidden_units": (32, 16), "dnn_activation": "dice"},
    ),
    "bst": ("sequence.bst:BST", "history", {"att_head_num": 2, "dnn_activation": "relu"}),
    "shared_bottom": (
        "multitask.sharedbottom:SharedBottom",
        "tasks",
        {"bottom_dnn_hidden_units": HIDDEN, **TOWERS},
    ),
    "mmoe": ("multitask.mmoe:MMOE", "tasks", {"num_experts": 4, **EXPERTS}),
    "cgc": ("multitask.ple:PLE", "tasks", {"num_levels": 1, **LEVELS}),
    "ple": ("multitask.ple:PLE", "tasks", {"num_levels": 2, **LEVELS}),
    "esmm": ("multitask.esmm:ESMM", "tasks", {"tower_dnn_hidden_units": HIDDEN}),
}


class Peer:
    """DeepCTR's models on one data set."""

    def __init__(self, path):
        about, splits = exchange.read(path)
        self.tasks, train = list(about["tasks"]), splits["train"]
        self.labels, self.models = [train["labels"][task] for task in self.tasks], {}
        self.features, self.columns, self.history = {}, [], []
        for column in about["columns"]:
            self._add(column, train["features"][column["name"]])
        self.num_rows = len(self.labels[0])

    def _add(self, column, values):
        from deepctr.feature_column import DenseFeat, SparseFeat, VarLenSparseFeat

        name = column["name"]
        if column["kind"] == "NumericColumn":
            self.columns.append(DenseFeat(name, column["dimension"]))
        else:
            table = column["table"] or name
            if column["kind"] == "SequenceColumn" and column["ordered"]:
                # A behaviour's column is called after the candidate's that it is compared with.
                self.history.append(table)
                self.features["seq_length"] = (values != 0).sum(axis=1).astype("int32")
                name = f"hist_{table}"
            field = SparseFeat(
                name, column["vocabulary_size"], embedding_dim=WIDTH, embedding_name=table
            )
            if column["kind"] == "SequenceColumn":
                length = "seq_length" if name.startswith("hist_") else None
                combiner = column["combiner"]
                field = VarLenSparseFeat(
                    field, column["max_length"], combiner=combiner, length_name=length
                )
            self.columns.append(field)
        self.features[name] = values

    def _smallest(self):
        """One column for a linear part that ours has not: without any, some batches fail."""
        fields = [c for c in self.columns if hasattr(c, "vocabulary_size")]
        return [min(fields, key=lambda field: field.vocabulary_size)]

    def build(self, key):
        import tensorflow as tf

        if key not in MODELS:
            return {"reason": "not the same model there"}
        where, kind, options = MODELS[key]
        module, name = where.split(":")
        function = getattr(importlib.import_module(f"deepctr.models.{module}"), name)
        columns = {
            "both": (self.columns, self.columns),
            "deep": (self.columns,),
            "no linear": (self._smallest(), self.columns),
            "history": (self.columns, self.history),
            "tasks": (self.columns,),
        }[kind]
        settings = {**NO_L2, **options}
        known = function.__code__.co_varnames[: function.__code__.co_argcount]
        if "dnn_hidden_units" in known:
            settings.setdefault("dnn_hidden_units", HIDDEN)
        if kind == "tasks":
            settings |= {"task_names": self.tasks, "task_types": ["binary"] * len(self.tasks)}
        tf.keras.utils.set_random_seed(0)
        model = function(*columns, **{k: v for k, v in settings.items() if k in known})
        model.compile(tf.keras.optimizers.Adam(1e-3), "binary_crossentropy")
        self.models[key] = model
        self._fit(key, 1)
        return {
            "parameters": model.count_params(),
            "epochs": epochs_of_a_round(self._fit(key, 1), self.num_rows),
        }

    def round(self, key, epochs):
        return {"examples_per_second": self._fit(key, epochs)}

    def drop(self, key):
        self.models.pop(key, None)
        return {}

    def _fit(self, key, epochs):
        import tensorflow as tf

        times = []
        watch = tf.keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda *_: times.append(time.perf_counter()),
            on_epoch_end=lambda *_: times.append(time.perf_counter()),
        )
        labels = self.labels if len(self.models[key].outputs) > 1 else self.labels[0]
        self.models[key].fit(
            *(self.features, labels),
            batch_size=BATCH_SIZE,
            epochs=epochs,
            verbose=0,
            callbacks=[watch],
        )
        return epochs * self.num_rows / (times[-1] - times[0])


def main(path):
    peer = Peer(path)
    serve({"build": peer.build, "round": peer.round, "drop": peer.drop})


if __name__ == "__main__":
    main(*sys.argv[1:])
