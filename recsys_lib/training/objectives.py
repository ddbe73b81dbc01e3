"""Objectives that ask for the order within a group: pairs, lists, and JRC.

The loss of ``fit`` looks at each row alone. It asks for the right probability of every row, and so
also for what separates the rows of one user from those of another, which no ranker orders. The
objectives here compare the rows of one group (``Split.groups``) only:

    pairs   mean over pairs (i, j) of the group, y_i = 1, y_j = 0, of  log(1 + exp(z_j - z_i))
    list    - sum_i (y_i / sum_j y_j) log softmax(z)_i
    JRC     alpha (row loss of z) + (1 - alpha) (- log softmax over the group of b_i where y_i = 1,
            of a_i where y_i = 0), with z = b - a

with z the logit. A batch takes whole groups, in an order that is drawn anew each epoch. A group
that the border of a batch, a chunk or a worker cuts counts with its parts; the history reports the
share of pairs that are lost by it, ``pairs_lost``.

Sources: Burges et al. 2005, "Learning to Rank using Gradient Descent" (RankNet), section 3; Cao et
al. 2007, "Learning to Rank: From Pairwise Approach to Listwise Approach" (ListNet), sections 4 and
5, top one; Sheng et al. 2023, "Joint Optimization of Ranking and Calibration with Contextualized
Hybrid Model", section 3.
"""

import dataclasses
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from recsys_lib.checks import check_choice, check_number
from recsys_lib.data.splits import Split
from recsys_lib.keras_graphs import last_hidden
from recsys_lib.keras_internals import logits_behind
from recsys_lib.replicas import sum_over_replicas
from recsys_lib.training.batches import outputs_by_task
from recsys_lib.training.weighting import task_losses

VOTES = ("rows", "groups", "pairs")


@dataclasses.dataclass(frozen=True)
class Objective:
    """What ``fit`` asks of the binary tasks; a regression task keeps its squared error.

    Args:
        group: which of ``Split.groups`` is compared within; default: the first.

    Raises:
        ValueError: when bound to a model, one without a binary task.
    """

    group: str | None = None

    def start(self, model: keras.Model, kinds: Mapping[str, str]) -> "Run":
        """Bind to a model; ``kinds`` is a dict of its tasks to their kinds."""
        if "binary" not in kinds.values():
            raise ValueError(f"objective: {self!r} needs a binary task, the model has {kinds}")
        return Run(self, model, dict(kinds))

    def loss(self, rows: "Rows", second: tf.Tensor | None) -> tf.Tensor:
        """The loss of one binary task, a scalar; of replicas, this one's share."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Pairs(Objective):
    """RankNet's loss over the pairs of a click and a non-click of one group.

    Divided by log 2 it is never below the share of pairs in the wrong order, weighed alike.

    Args:
        group: as for ``Objective``.
        votes: what a group counts as, whose own loss is the mean over its pairs: its ``"rows"``, as
            in GAUC; one, for ``"groups"``; or its ``"pairs"``, so that one long page decides more
            than many short ones.
        rows: weight, 0 or more, of the row loss that is added.

    Raises:
        ValueError: arguments out of range.

    Example:
        >>> Pairs("page")
        Pairs(group='page', votes='rows', rows=0.0)
    """

    votes: str = "rows"
    rows: float = 0.0

    def __post_init__(self) -> None:
        check_choice("votes", self.votes, VOTES)
        check_number("rows", self.rows, 0)

    def loss(self, rows: "Rows", second: tf.Tensor | None) -> tf.Tensor:
        each = {"rows": rows.sizes, "groups": tf.ones_like(rows.sizes), "pairs": rows.pairs}
        votes = tf.where(rows.pairs > 0, each[self.votes], 0.0)
        better, worse = rows.pairs_of_rows()
        of_pairs = tf.math.softplus(tf.gather(rows.logit, worse) - tf.gather(rows.logit, better))
        of_pairs *= tf.gather(tf.math.divide_no_nan(votes, rows.pairs), rows.place_of(better))
        count = sum_over_replicas(tf.reduce_sum(votes))
        found = tf.math.divide_no_nan(tf.reduce_sum(of_pairs), count)
        return found + self.rows * rows.row_loss() if self.rows else found


@dataclasses.dataclass(frozen=True)
class ListWise(Objective):
    """ListNet's top-one loss: the clicks' shares against the softmax of a group's logits.

    Groups without a click have none and are left out; each other group counts as its rows.
    """

    def loss(self, rows: "Rows", second: tf.Tensor | None) -> tf.Tensor:
        clicks = rows.total(rows.label)
        of_groups = rows.log_sum_exp(rows.logit)
        of_groups -= tf.math.divide_no_nan(rows.total(rows.label * rows.logit), clicks)
        votes = tf.where(clicks > 0, rows.sizes, 0.0)
        count = sum_over_replicas(tf.reduce_sum(votes))
        return tf.math.divide_no_nan(tf.reduce_sum(votes * of_groups), count)


@dataclasses.dataclass(frozen=True)
class JRC(Objective):
    """Joint ranking and calibration: two logits, whose difference is what is served.

    The network that makes the logit gets a second unit for a; b = a + z. It belongs to the run and
    is gone with it: the model, its tasks and its predictions stay as they are. It starts at 0.

    Args:
        group: as for ``Objective``.
        alpha: weight of the row loss, from 0 to 1, where nothing is compared; the comparison within
            groups has the rest.

    Raises:
        ValueError: arguments out of range; when bound to a model, a logit that no network makes.
    """

    alpha: float = 0.5

    def __post_init__(self) -> None:
        check_number("alpha", self.alpha, 0, 1)

    def start(self, model: keras.Model, kinds: Mapping[str, str]) -> "Run":
        run = super().start(model, kinds)
        run.add_second_units()
        return run

    def loss(self, rows: "Rows", second: tf.Tensor | None) -> tf.Tensor:
        a, b = second, second + rows.logit
        surprise = [tf.gather(rows.log_sum_exp(one), rows.segment) - one for one in (a, b)]
        ranking = rows.mean(tf.where(rows.label > 0, surprise[1], surprise[0]))
        return self.alpha * rows.row_loss() + (1 - self.alpha) * ranking


class Rows:
    """The rows of a batch that have the label of one task, in order of their groups.

    Args:
        logit, label: ``(rows,)`` float32.
        groups: ``(rows,)`` int32; rows of one group follow each other.
    """

    def __init__(self, logit: tf.Tensor, label: tf.Tensor, groups: tf.Tensor) -> None:
        self.logit, self.label = logit, label
        begins = tf.concat([tf.ones_like(groups[:1], tf.bool), groups[1:] != groups[:-1]], 0)
        self.segment = tf.cumsum(tf.cast(begins, tf.int32)) - 1
        self.sizes = self.total(tf.ones_like(label))
        clicks = self.total(label)
        self.pairs = clicks * (self.sizes - clicks)

    def total(self, values: tf.Tensor) -> tf.Tensor:
        """The sum of ``(rows,)`` over each group, ``(groups,)``."""
        return tf.math.segment_sum(values, self.segment)

    def log_sum_exp(self, values: tf.Tensor) -> tf.Tensor:
        """``log sum exp`` of ``(rows,)`` over each group, ``(groups,)``."""
        top = tf.stop_gradient(tf.math.segment_max(values, self.segment))
        return tf.math.log(self.total(tf.exp(values - tf.gather(top, self.segment)))) + top

    def row_loss(self) -> tf.Tensor:
        """The mean cross-entropy; of replicas, this one's share."""
        return self.mean(
            tf.nn.sigmoid_cross_entropy_with_logits(labels=self.label, logits=self.logit)
        )

    def mean(self, values: tf.Tensor) -> tf.Tensor:
        """The mean of ``(rows,)``, 0 of none; of replicas, this one's share."""
        count = sum_over_replicas(tf.cast(tf.size(values), tf.float32))
        return tf.reduce_sum(values) / tf.maximum(count, 1.0)

    def place_of(self, rows: tf.Tensor) -> tf.Tensor:
        """The number of each row's group, from 0."""
        return tf.gather(self.segment, rows)

    def pairs_of_rows(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The rows of all pairs of a click and a non-click of one group: two ``(pairs,)`` int32."""
        sizes = tf.cast(self.sizes, tf.int32)
        clicked = tf.cast(tf.where(self.label > 0)[:, 0], tf.int32)
        partners = tf.gather(sizes, self.place_of(clicked))
        first = tf.gather(tf.cumsum(sizes, exclusive=True), self.place_of(clicked))
        # Each click beside all rows of its group, one click behind the other.
        begin = first - tf.cumsum(partners, exclusive=True)
        other = tf.repeat(begin, partners) + tf.range(tf.reduce_sum(partners))
        is_pair = tf.gather(self.label, other) == 0
        better = tf.boolean_mask(tf.repeat(clicked, partners), is_pair)
        return better, tf.boolean_mask(other, is_pair)


class Run:
    """An objective bound to a model.

    ``variables`` belong to the run beside those of the model and are trained with them.
    """

    def __init__(self, objective: Objective, model: keras.Model, kinds: dict[str, str]) -> None:
        self.objective, self.model, self.kinds = objective, model, kinds
        self.binary = [task for task, kind in kinds.items() if kind == "binary"]
        self.variables: list[keras.Variable] = []
        self._whole = model
        self._per_pair = tf.Variable(0.0, trainable=False, name="rows_per_pair")

    def add_second_units(self) -> None:
        """Give the network behind each binary task's logit a second unit."""
        try:
            hidden = [last_hidden(self.model, task) for task in self.binary]
        except ValueError as error:
            raise ValueError(f"objective {self.objective!r}, {error}") from None
        self._whole = keras.Model(self.model.inputs, [self.model.output, hidden])
        self.variables = [
            keras.Variable(np.zeros((one.shape[-1], 1), "float32"), name=f"second_unit_{task}")
            for one, task in zip(hidden, self.binary, strict=True)
        ]

    def see(self, labels: Split) -> np.ndarray:
        """Take in the training rows.

        Args:
            labels: all of them, without features.

        Returns:
            ``(rows,)`` int32, equal for rows of one group.
        """
        _, codes = np.unique(labels.group_of(self.objective.group), return_inverse=True)
        pairs = 0.0
        for task in self.binary:
            rows = labels.rows_of(task)
            sizes, clicks = (
                np.bincount(codes[rows], weights) for weights in (None, labels.labels[task][rows])
            )
            pairs += float(clicks @ (sizes - clicks))
        if not pairs:
            raise ValueError(
                "objective: expected a group with a click and a non-click among the training rows, "
                "got none"
            )
        self._per_pair.assign(len(codes) / pairs)
        return codes.astype(np.int32)

    def losses(
        self,
        inputs: Mapping[str, tf.Tensor],
        labels: tf.Tensor,
        masks: tf.Tensor | None,
        groups: tf.Tensor,
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Call the model on a batch.

        Args:
            inputs: of the model.
            labels, masks: as for ``task_losses``.
            groups: ``(batch,)`` int32, rows of one group behind each other.

        Returns:
            The loss of each task, and the share of this batch's pairs that are lost, weighed so
            that its mean over the rows of an epoch is the epoch's.
        """
        outputs = self._whole(inputs, training=True)
        hidden = {}
        if self.variables:
            outputs, vectors = outputs
            units = zip(self.binary, vectors, self.variables, strict=True)
            hidden = {task: tf.cast(h, tf.float32) @ unit for task, h, unit in units}
        losses = task_losses(self.model, outputs, labels, self.kinds, masks)
        predictions = outputs_by_task(self.model, outputs, list(self.kinds))
        found = tf.constant(0.0)
        for position, task in enumerate(self.kinds):
            if task not in self.binary:
                continue
            second = hidden[task][:, 0] if task in hidden else None
            mask = None if masks is None else masks[:, position]

            def of_logit(prediction, label=labels[:, position], mask=mask, second=second):
                return self._loss(prediction, label, mask, second, groups)

            losses[position], pairs = _with_what_is_beside(of_logit, predictions[position])
            found += pairs
        num_rows = sum_over_replicas(tf.cast(tf.size(groups), tf.float32))
        return losses, 1 - sum_over_replicas(found) * self._per_pair / num_rows

    def _loss(self, prediction, label, mask, second, groups):
        """The loss of one prediction, and the number of pairs in it."""
        logit = tf.cast(logits_behind(prediction), tf.float32)
        if mask is not None:
            logit, label, groups = (tf.boolean_mask(one, mask) for one in (logit, label, groups))
            second = None if second is None else tf.boolean_mask(second, mask)
        rows = Rows(logit, label, groups)
        return self.objective.loss(rows, second), tf.reduce_sum(rows.pairs)


def _with_what_is_beside(function, prediction):
    """A loss with that of a prediction that a head keeps beside its own, as SIM's does."""
    loss, pairs = function(prediction)
    beside = getattr(prediction, "_recsys_beside", None)
    if beside is None:
        return loss, pairs
    weight, other = beside
    return loss + weight * _with_what_is_beside(function, other)[0], pairs


OBJECTIVES = {"pairs": Pairs, "list": ListWise, "jrc": JRC}


def read_objective(text: str) -> Objective | None:
    """An objective from text: ``"rows"``, which is None, ``"pairs"``, ``"pairs:page"``.

    Raises:
        ValueError: another name.

    Example:
        >>> read_objective("jrc:page")
        JRC(group='page', alpha=0.5)
    """
    name, _, group = text.partition(":")
    check_choice("objective", name, ("rows", *OBJECTIVES))
    return None if name == "rows" else OBJECTIVES[name](group or None)
