"""The lenses of the simulated platform and their knobs: name, type, default, range and meaning.

Lenses check their arguments from here; tables and worlds that are drawn at random are made from it.
A lens's function is text and imported on use, so that a reader loads no lens that it does not use.
"""

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from pkgutil import resolve_name
from typing import Any

from recsys_lib.data.simulator.knobs import Knob, check_all, value_text
from recsys_lib.data.simulator.knobs import integer as _integer
from recsys_lib.data.simulator.knobs import number as _number
from recsys_lib.data.simulator.knobs import numbers as _numbers


@dataclasses.dataclass(frozen=True)
class Lens:
    """One way to simulate the platform.

    Args:
        name: of the lens and of its function.
        function: where the function is, ``"module:name"``.
        chapter: number of the chapter that it serves, as in the folders' names.
        knobs: name to ``Knob``, in the order of the function's arguments.
    """

    name: str
    function: str
    chapter: str
    knobs: Mapping[str, Knob]

    def simulate(self) -> Callable:
        """The function that draws a ``SimulatedDataset``."""
        return resolve_name(self.function)

    @property
    def defaults(self) -> dict[str, Any]:
        """Name to the value that a knob has where none is given."""
        return {name: knob.default for name, knob in self.knobs.items()}

    def table(self) -> str:
        """Markdown table of the knobs, as the data card shows it."""
        lines = ["| knob | default | what it may be | meaning |", "|---|---|---|---|"]
        for knob in self.knobs.values():
            shown = (f"`{knob.name}`", value_text(knob.default), knob.range(), knob.meaning)
            lines.append(f"| {' | '.join(shown)} |")
        return "\n".join(lines)


def check_knobs(lens: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a lens, checked against what is declared of them.

    Args:
        lens: its name.
        values: name to argument, all of them.

    Returns:
        Dict of name to the value that the lens uses.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    return check_all(LENSES[lens].knobs.values(), values)


def _lens(name, chapter, *knobs):
    return Lens(name, f"{__package__}.{name}:{name}", chapter, {knob.name: knob for knob in knobs})


_positive = partial(_numbers, minimum=0, exclude=(0,))
_share = partial(_number, minimum=0, maximum=1)


def _functions():  # of lenses whose scores are functions of several fields
    return (
        _integer("num_fields", 6, "fields", 2),
        _integer("num_ids", 30, "ids of each field", 2),
        _integer("num_pairs", 5, "pairs of fields that interact in each function"),
        _integer("rank", 2, "factors behind an interaction", relation=("less than", "num_ids")),
        _share("main_share", 0.5, "part of a function's variance in main effects"),
    )


def _rows(default, relation=None):
    return _integer("num_rows", default, "rows of the training split", relation=relation)


def _other_rows(valid, test, relation=None, test_of="the test split", test_relation=None):
    return (
        _integer("num_valid_rows", valid, "rows of the validation split", relation=relation),
        _integer("num_test_rows", test, f"rows of {test_of}", relation=test_relation or relation),
        _integer("seed", 0, "of all random numbers", 0),
    )


WHOLE_REQUESTS = ("a multiple of", "candidates")
WHOLE_TEST_REQUESTS = ("a multiple of", "test_candidates")
WHOLE_PAGES = ("a multiple of", "per_request")
WHOLE_USERS = ("a multiple of", "rows_per_user")
CANDIDATES = _integer("candidates", 4, "items shown beside one history")
TOPICS = _integer("items_per_topic", 10, "items of each topic")
OWN_SHARE = "share of the shown items that are of the user's own {}"

_ALL = (
    _lens(
        "memorization",
        "01",
        _rows(300_000),
        _number("rule_strength", 3.0, "log-odds that a rule adds or takes", 0),
        _share("rule_share", 0.05, "pairs with a rule, of all pairs", exclude=(0, 1)),
        _share("unseen_share", 0.3, "pairs kept out of train and validation", exclude=(1,)),
        _integer("num_segments", 200, "user segments", 2),
        _integer("num_items", 500, "items", 2),
        _integer("taste_rank", 3, "rank of the taste matrix"),
        _number("taste_sd", 1.2, "standard deviation of its entries, exact", 0),
        _number("bias", -0.5, "log-odds of a pair without taste or rule"),
        _share("rule_draws", 0.5, "rows on rule pairs, of those on seen pairs"),
        _share("unseen_draws", 1 / 3, "test rows on unseen pairs"),
        *_other_rows(30_000, 60_000),
    ),
    _lens(
        "second_order",
        "02",
        _rows(150_000),
        _integer("num_fields", 8, "fields", 2),
        _integer("num_ids", 50, "ids of each field", 2),
        _integer("rank", 4, "factors behind an interaction", relation=("less than", "num_ids")),
        Knob(
            "pairs",
            "pairs",
            ((0, 1), (2, 3), (4, 5)),
            "fields that interact; a field is in one pair at most",
            minimum=0,
            each="field positions",
            count="num_fields",
        ),
        _numbers(
            "gains",
            (1.0, 1.0, 1.0),
            "standard deviation of a pair's term",
            "pair",
            "pairs",
            minimum=0,
        ),
        _share("held_out_share", 0.3, "a pair's combinations kept out of training", exclude=(1,)),
        _number("main_sd", 0.3, "standard deviation of a field's main effects, exact", 0),
        _number("bias", 0.0, "log-odds without effects"),
        _share("unseen_draws", 0.5, "test rows whose planted combinations are all held out"),
        _share("valid_unseen_draws", 0.0, "the same of the validation rows"),
        _share("switched", 0.0, "ids of the last field that switch every second pair off"),
        *_other_rows(15_000, 60_000),
    ),
    _lens(
        "higher_order",
        "03",
        _rows(100_000),
        _integer("num_fields", 8, "fields, each +1 or -1 with even chances"),
        _integer("order", 3, "fields in a product"),
        _integer("products", 1, "products, each of fields of its own"),
        _number("strength", 2.5, "log-odds that a product adds or takes", 0),
        _number("label_noise", 0.0, "labels turned around at random", 0, 0.5, exclude=(0.5,)),
        _number("bias", 0.0, "log-odds without products"),
        Knob("as_numbers", "bool", True, "fields are numbers +1 and -1, or ids"),
        _integer("num_ids", 2, "ids of a field, an even number; the first half mean -1", 2),
        *_other_rows(10_000, 40_000),
    ),
    _lens(
        "interests",
        "04",
        _rows(100_000, WHOLE_REQUESTS),
        _integer("num_interests", 4, "topics of a user"),
        _integer("num_topics", 40, "topics", 2),
        TOPICS,
        _integer("history_length", 20, "behaviours in a history, all real"),
        _number("strength", 3.0, "log-odds that an own topic adds"),
        _number("bias", -1.5, "log-odds of an item of another topic"),
        _number("quality_sd", 0.3, "standard deviation of the items' qualities, exact", 0),
        _share("own_share", 0.5, OWN_SHARE.format("topics")),
        CANDIDATES,
        *_other_rows(10_000, 40_000, WHOLE_REQUESTS),
    ),
    _lens(
        "drift",
        "04",
        _rows(100_000, WHOLE_REQUESTS),
        _share("drift", 0.5, "probability that a style jumps before a behaviour"),
        _integer("num_categories", 12, "categories"),
        _integer("num_styles", 5, "styles of each category", 2),
        _integer("items_per_style", 2, "items of each category and style"),
        _integer(
            "categories_per_user",
            3,
            "categories that a user follows",
            relation=("at most", "num_categories"),
        ),
        _integer("history_length", 12, "behaviours in a history, all real"),
        _number("strength", 3.2, "log-odds that the latest style adds"),
        _number("bias", -1.8, "log-odds of every other style"),
        CANDIDATES,
        *_other_rows(10_000, 40_000, WHOLE_REQUESTS),
    ),
    _lens(
        "sessions",
        "04",
        _rows(100_000, WHOLE_REQUESTS),
        _integer("num_sessions", 4, "sessions of a history"),
        _integer("session_length", 6, "most behaviours of a session; 1 to this, all alike"),
        _share("noise", 0.2, "behaviours that stray to another session's topic"),
        _integer("num_topics", 40, "topics", relation=("at least", "num_sessions")),
        TOPICS,
        _number("strength", 4.0, "log-odds that a session wholly in the topic adds"),
        _number("bias", -2.0, "log-odds without such a behaviour"),
        CANDIDATES,
        *_other_rows(10_000, 40_000, WHOLE_REQUESTS),
    ),
    _lens(
        "long_history",
        "04",
        _rows(8_000, WHOLE_REQUESTS),
        _integer("history_length", 1_000, "behaviours in a history, all real", 2),
        _integer(
            "short_length",
            100,
            "last behaviours, which the short history holds",
            relation=("less than", "history_length"),
        ),
        _integer("relevant", 50, "most behaviours of a candidate's topic"),
        _share("recent_share", 0.01, "relevant behaviours among the last `short_length`"),
        _integer("half_life", 1_000, "behaviours after which one counts half"),
        _integer("num_topics", 6, "topics", 2),
        _integer("categories_per_topic", 2, "categories of each topic", 2),
        _integer("items_per_category", 10, "items of each category"),
        _share("across", 0.5, "candidates whose relevant behaviours are in another category"),
        _number("strength", 1.5, "log-odds for each unit of log(1 + evidence)"),
        _number("bias", -2.0, "log-odds of an item without a relevant behaviour"),
        _share("own_share", 0.5, "candidates with a relevant behaviour"),
        _integer(
            "candidates",
            2,
            "items shown beside one history, each of a topic of its own",
            relation=("less than", "num_topics"),
        ),
        *_other_rows(2_000, 4_000, WHOLE_REQUESTS),
    ),
    _lens(
        "topic_and_price",
        "04",
        _rows(100_000, WHOLE_REQUESTS),
        _share("share", 0.5, "part of the variance of the two terms that the price makes"),
        _integer("num_interests", 4, "topics of a user"),
        _integer("num_topics", 40, "topics", 2),
        _integer("items_per_price", 5, "cheap items of each topic, and as many dear ones"),
        _integer("history_length", 12, "behaviours in a history, all real"),
        _number("strength", 1.5, "standard deviation of the log-odds of topic and price", 0),
        _number("bias", 0.0, "log-odds where both terms and the quality are zero"),
        _number("quality_sd", 0.5, "standard deviation of the items' qualities, exact", 0),
        CANDIDATES,
        *_other_rows(10_000, 40_000, WHOLE_REQUESTS),
    ),
    _lens(
        "tasks",
        "05",
        _rows(60_000),
        _number("correlation", 0.2, "correlation of the two tasks' scores", -1, 1),
        _number("strength", 2.0, "standard deviation of both tasks' log-odds", 0),
        _numbers("biases", (-1.0, -1.0), "log-odds where the score is zero", "task", 2),
        _integer("block_size", 8, "numbers in each block: agreeing, conflicting, null", 2),
        *_other_rows(10_000, 40_000),
    ),
    _lens(
        "task_tastes",
        "05",
        _rows(40_000),
        _number("correlation", 0.5, "of the scores of like and watch time with the click's", -1, 1),
        _number("click_bias", -1.0, "log-odds of a click where the score is zero"),
        _number("like_bias", -3.5, "the same of a like"),
        _number("strength", 1.8, "standard deviation of the log-odds", 0),
        _number("noise_sd", 1.0, "of the watch time, beside a score of 1", 0),
        _number("watch_scale", 1.0, "what the watch time is multiplied by", 0, exclude=(0,)),
        *_functions(),
        *_other_rows(10_000, 30_000),
    ),
    _lens(
        "funnel",
        "05",
        _rows(60_000),
        _share("click_rate", 0.15, "clicks per impression, exact over all pairs", exclude=(0, 1)),
        _share("conversion_rate", 0.2, "conversions per click, exact", exclude=(0, 1)),
        _number("selection", 0.5, "correlation of the log-odds of click and conversion", -1, 1),
        _number("click_strength", 1.5, "standard deviation of the log-odds of a click", 0),
        _number("conversion_strength", 1.5, "the same of a conversion after a click", 0),
        _integer("num_users", 1_000, "users, each with an appeal and a need", 3),
        _integer("num_items", 1_000, "items, likewise", 3),
        *_other_rows(20_000, 60_000),
    ),
    _lens(
        "correlated_regression",
        "05",
        _rows(40_000),
        _number("cosine", 0.5, "of the angle between the tasks' weight vectors", -1, 1),
        _integer("num_features", 32, "standard normal numbers in a row", 2),
        _integer("num_sinusoids", 4, "sine terms, of frequencies 1, 2, ... and any phase", 0),
        _number("weight_norm", 1.0, "length of the weight vectors", 0),
        _number("noise_sd", 0.1, "standard deviation of the noise", 0),
        _positive("scales", (1.0, 1.0), "what a task's label is multiplied by", "task", 2),
        *_other_rows(5_000, 20_000),
    ),
    _lens(
        "scenarios",
        "06",
        _rows(120_000),
        _positive("sizes", (0.80, 0.15, 0.04, 0.01), "its part of the rows", "scenario"),
        _share("share", 0.3, "part of the score's variance that all scenarios share"),
        _number("strength", 1.8, "standard deviation of the log-odds in a scenario", 0),
        _number("bias", -0.5, "mean of the scenarios' biases"),
        _number("bias_sd", 0.5, "standard deviation of the scenarios' biases", 0),
        *_functions(),
        _integer(
            "attended",
            None,
            "fields that each scenario attends to, of one shared taste",
            relation=("at most", "num_fields"),
            optional=True,
        ),
        _integer("turned", 0, "attended fields that a scenario likes the other way round", 0),
        _integer("new_rows", None, "training rows of one more, new scenario", 0, optional=True),
        *_other_rows(12_000, 10_000, test_of="the test split, for each scenario"),
    ),
    _lens(
        "platform",
        "07",
        _rows(300_000, WHOLE_PAGES),
        _positive("sizes", (0.70, 0.25, 0.05), "parts of the surfaces in the requests"),
        _share("share", 0.3, "part of the categories' tastes that all surfaces share"),
        _numbers("click_bias", (-4.2, -3.2, -3.7), "log-odds of a click", "surface", "sizes"),
        _numbers(
            "conversion_bias", (-2.5, -3.5, -1.5), "log-odds of a conversion", "surface", "sizes"
        ),
        _number("interest", 3.0, "log-odds of a click that an own category adds"),
        _number("loyalty", 4.0, "log-odds of a conversion after a history of the category alone"),
        _number("taste_sd", 1.0, "standard deviation of the effects of categories", 0),
        _number("item_sd", 0.3, "standard deviation of the effects of items", 0),
        _numbers("sensitivity", (1.5, 0.75, 0.0), "by budget: log-odds that the price takes"),
        _number("agreement", -0.5, "correlation of what invites clicks with what converts", -1, 1),
        _number("price_sd", 0.7, "standard deviation of the price's logarithm", 0),
        _number("median_price", 10.0, "median of the prices", 0, exclude=(0,)),
        _number("click_value", 3.0, "what a click earns, in the unit of the price", 0),
        _integer("num_interests", 4, "categories of a user"),
        # Two centred numbers always lie on one line: no two effects of two would be uncorrelated.
        _integer("num_categories", 25, "categories", 3),
        _integer("items_per_category", 48, "items of each category", 2),
        _integer("history_length", 20, "behaviours in a history, all real"),
        _share("own_share", 0.3, OWN_SHARE.format("categories")),
        _integer("per_request", 10, "items shown beside one history"),
        *_other_rows(20_000, 60_000, WHOLE_PAGES),
    ),
    _lens(
        "days",
        "07",
        _rows(16_000),
        _integer("rows_per_day", 4_000, "rows of a day; days go on from split to split"),
        _share("drift", 0.05, "how much of a taste a day replaces"),
        _integer("new_items", 24, "items that appear on each day"),
        _integer("lifetime", 5, "days on which an item is shown"),
        _integer("num_segments", 60, "user segments"),
        _integer("num_categories", 12, "categories"),
        _integer("taste_rank", 3, "dimensions of the tastes"),
        _number("taste_sd", 1.2, "standard deviation of what taste adds to the log-odds", 0),
        _number("quality_sd", 0.8, "standard deviation of the items' qualities", 0),
        _number("bias", -1.0, "log-odds without taste and quality"),
        *_other_rows(16_000, 24_000),
    ),
    _lens(
        "shown_by_level",
        "07",
        _rows(40_000, WHOLE_USERS),
        _share("share_confounded", 0.8, "rows whose kind follows the user's level"),
        _number("level_sd", 1.5, "standard deviation of the users' levels", 0),
        _number("kind_effect", -0.8, "log-odds that the kind adds within a user's rows"),
        _number("strength", 0.8, "standard deviation of what an item's numbers add", 0),
        _number("bias", -1.0, "log-odds at the mean level of an item without anything"),
        _integer("rows_per_user", 20, "rows of a user", relation=("a multiple of", "per_page")),
        _integer("per_page", 10, "rows that a user is shown at a time"),
        _integer("past_rows", 20, "earlier rows of a user, whose clicks are counted", 0),
        *_other_rows(20_000, 40_000, WHOLE_USERS),
    ),
    _lens(
        "ordinary",
        "00",
        _rows(100_000, WHOLE_REQUESTS),
        _integer("candidates", 10, "items of a request in the log", maximum=100),
        _integer("test_candidates", 20, "the same of the test split", maximum=100),
        *_other_rows(20_000, 40_000, WHOLE_REQUESTS, test_relation=WHOLE_TEST_REQUESTS),
    ),
)
LENSES: Mapping[str, Lens] = {lens.name: lens for lens in _ALL}
"""Every lens by its name."""
