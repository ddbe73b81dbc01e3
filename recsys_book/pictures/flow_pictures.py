"""Flow pictures: a request from candidates to the page, and a model's day."""

from typing import TYPE_CHECKING

from recsys_book.pictures.plan import Plan

if TYPE_CHECKING:
    from recsys_book.pictures.drawing import Drawing
    from recsys_book.pictures.picture import Picture


def _whole_request() -> "Drawing":
    """One request's flow; its parts and formulas are those of chapter 07."""
    plan = Plan(
        "One request, from candidates to a page",
        "An earlier stage picks a thousand candidates. The ranker scores them, the scores become "
        "probabilities, the probabilities a value, and the ten best items make the page.",
        4.4,
        (150, 76),
    )
    plan.box("catalogue", "all items", "-", "input", 0, 0)
    plan.box("request", "request: user,\nhistory, surface", "-", "input", 1.4, 0, 1.4)
    plan.box("log", "log with a share $w$\nof what was not clicked", "-", "input", 3, 0, 1.4)
    plan.box("recall", "earlier stages", "-", "gate", 0, 1)
    plan.box("candidates", "1,000 candidates", "-", "input", 0, 2, 1.2)
    plan.box("ranker", "ranker", "-", "network", 1.4, 3, 1.4)
    plan.box(
        "undo", "undo the sampling\n$q → p,\\ \\ p c = p\\, r / q$", "-", "interaction", 1.4, 4, 1.4
    )
    plan.box("calibrate", "calibrate\nper surface", "-", "interaction", 1.4, 5, 1.4)
    plan.box(
        "value",
        "value of an impression\n$v$ = click · $p$ + price · $p c$",
        "-",
        "interaction",
        1.1,
        6,
        2,
    )
    plan.box("page", "page: the ten items with the highest $v$", "-", "output", 0.6, 7, 3)
    plan.box("price", "prices", "-", "input", 0, 5, 0.9)
    plan.arrows("catalogue > recall > candidates > ranker > undo > calibrate > value > page")
    plan.arrows("request > recall; request > ranker; price > value")
    plan.arrows("log > ranker; log > undo via 3.9,2 3.9,4")
    labels = {
        ("candidates", "ranker"): "1,000",
        ("ranker", "undo"): "click q, both r",
        ("undo", "calibrate"): "p, p c",
        ("value", "page"): "10 of 1,000",
        ("log", "ranker"): "trains it",
        ("log", "undo"): "w",
    }
    return _plain(plan, labels)


def _short_request() -> "Drawing":
    """One request's flow for a first look: the stages, without formulas."""
    plan = Plan(
        "One request, from all items to a page",
        "Earlier stages pick a thousand candidates out of all items. The ranking model, trained on "
        "the log, predicts for each of them what this user will do with it. From these "
        "probabilities follows the value of each item, and the ten best make the page.",
        4.4,
        (150, 76),
    )
    plan.box("catalogue", "all items: millions", "-", "input", 0, 0, 1.3)
    plan.box("request", "request: who asks,\nwhen and where", "-", "input", 1.5, 0, 1.4)
    plan.box("log", "log: what was shown,\nand was it clicked?", "-", "input", 3, 0, 1.4)
    plan.box("recall", "earlier stages", "-", "gate", 0, 1, 1.3)
    plan.box("candidates", "candidates: a thousand", "-", "input", 0, 2, 1.3)
    plan.box("ranker", "ranking model", "-", "network", 1.5, 3, 1.4)
    plan.box("value", "value of each item", "-", "interaction", 1.5, 4, 1.4)
    plan.box("page", "page: the ten items with the highest value", "-", "output", 0.7, 5, 3)
    plan.arrows("catalogue > recall > candidates > ranker > value > page")
    plan.arrows("request > recall; request > ranker; log > ranker")
    labels = {
        ("ranker", "value"): "1,000 probabilities",
        ("value", "page"): "10 of 1,000",
        ("log", "ranker"): "trains it",
    }
    return _plain(plan, labels)


def request_drawing(short: bool = False) -> "Drawing":
    """The drawing behind ``request_way``.

    Args:
        short: as for ``request_way``.

    Returns:
        The drawing.
    """
    return _short_request() if short else _whole_request()


def request_way(short: bool = False) -> "Picture":
    """The flow of one request from candidates to the page, as in chapter 07.

    Args:
        short: only the stages, without formulas and without the steps after the model.

    Returns:
        A picture that a notebook shows as SVG or PNG; its text is a description.

    Example:
        >>> request_way().title
        'One request, from candidates to a page'
    """
    return request_drawing(short).picture()


def serving_drawing() -> "Drawing":
    """What a model reads in training and in service: the drawing behind ``serving_way``."""
    plan = Plan(
        "Two ways to the same features",
        "Training reads the log, the service reads a request. Both make ids and numbers of raw "
        "values, by one description. The export carries it beside the model; the skew test asks "
        "whether both ways give the same features for the same rows.",
        4.4,
        (150, 76),
    )
    plan.box("log", "log: raw values", "-", "input", 0, 0, 1.3)
    plan.box("request", "request: raw values", "-", "input", 3, 0, 1.4)
    plan.box("fit", "fit vocabulary,\nread the log", "-", "interaction", 0, 1, 1.3)
    plan.box("said", "description:\nids, scales, cuts", "-", "embedding", 1.6, 1, 1.1)
    plan.box("reader", "read the request", "-", "interaction", 3, 1, 1.4)
    plan.box("training", "features\nof training", "-", "input", 0, 2, 1.3)
    plan.box("skew", "skew test:\nequal?", "-", "gate", 1.6, 2, 1.1)
    plan.box("serving", "features\nof the service", "-", "input", 3, 2, 1.4)
    plan.box("model", "model", "-", "network", 0, 3, 1.3)
    plan.box("export", "export:\nfiles, digests,\ngolden request", "-", "embedding", 1.6, 3, 1.1)
    plan.box("engine", "onnxruntime", "-", "network", 3, 3, 1.4)
    plan.box("scores", "scores of all candidates", "-", "output", 3, 4, 1.4)
    plan.arrows("log > fit > training > model > export > engine > scores")
    plan.arrows("request > reader > serving > engine; fit > said > reader")
    plan.arrows("training > skew; serving > skew")
    return _plain(plan)


def serving_way() -> "Picture":
    """The flows from the log to a model and from a request to its scores, as in chapter 07.

    Returns:
        A picture that a notebook shows as SVG or PNG; its text is a description.

    Example:
        >>> serving_way().title
        'Two ways to the same features'
    """
    return serving_drawing().picture()


def days_drawing() -> "Drawing":
    """One day and its evening, the test and three ways on: the drawing behind ``days_way``."""
    plan = Plan(
        "A day, and three ways through its evening",
        "By day the model of last evening scores today's rows: this is the test. In the evening "
        "their clicks are known. A stale model stays as it is. A warm start gives the tables rows "
        "for new ids and trains on today. A fresh start trains a new model on all days so far.",
        4.4,
        (150, 76),
    )
    plan.box("model", "model of\nlast evening", "-", "network", 0, 0, 1.3)
    plan.box("today", "today's rows", "-", "input", 1.6, 0, 1.3)
    plan.box("before", "rows of\nearlier days", "-", "input", 3.2, 0, 1.3)
    plan.box("test", "1. test: score\ntoday's rows", "-", "gate", 0.8, 1, 1.3)
    plan.box("grow", "grow: table rows\nfor new ids", "-", "embedding", 1.6, 2, 1.3)
    plan.box("stale", "2. stale:\nas it is", "-", "network", 0, 3, 1.3)
    plan.box("warm", "2. warm: train on,\non today", "-", "network", 1.6, 3, 1.3)
    plan.box("fresh", "2. fresh: a new\nmodel, all days", "-", "network", 3.2, 3, 1.3)
    plan.box("next", "tomorrow's test", "-", "output", 0, 4, 4.5)
    plan.arrows("model > test; today > test; test > grow > warm; model > stale")
    plan.arrows("before > fresh; today > fresh; stale > next; warm > next; fresh > next")
    return _plain(plan)


def days_way() -> "Picture":
    """A day's test and the three kinds of updates for the next day's model, as in chapter 07.

    Returns:
        A picture that a notebook shows as SVG or PNG; its text is a description.

    Example:
        >>> days_way().title
        'A day, and three ways through its evening'
    """
    return days_drawing().picture()


def _plain(plan: Plan, labels: dict[tuple[str, str], str] | None = None) -> "Drawing":
    """A flow picture needs no legend, since its boxes are labelled."""
    from recsys_book.pictures.sketching import drawn

    drawing = drawn(plan, labels=labels)
    drawing.has_legend = False
    return drawing
