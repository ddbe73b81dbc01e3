"""Mistakes in the pictures of models that the tests must reject."""

from runner import Mutant

DIAGRAMS = "recsys_book/pictures"
DRAWN = "book/test_diagrams_drawing.py"
MODELS = "book/test_diagrams_models.py"
ZOO = "book/test_sketches_zoo.py"
WRONG = "book/test_sketches_wrong.py"
DIN = f"{MODELS}::test_din_is_what_its_paper_shows"
TOLD = f"{WRONG}::test_exactly_what_is_wrong_is_told"
REJECTED = f"{WRONG}::test_a_wrong_sketch_is_rejected"
ACTS = f"{WRONG}::test_interventions_find_who_acts_on_whom"

MUTANTS = [
    Mutant(
        "sketches: a forgotten arrow passes",
        f"{DIAGRAMS}/arrows.py",
        "for source, target in sorted(boxes.true_arrows - drawn)",
        "for source, target in sorted(drawn - boxes.true_arrows - drawn)",
        TOLD,
    ),
    Mutant(
        "sketches: an invented arrow passes",
        f"{DIAGRAMS}/arrows.py",
        "for source, target in sorted(drawn - boxes.true_arrows)",
        "for source, target in sorted(drawn - drawn)",
        TOLD,
    ),
    Mutant(
        "sketches: ways go on through boxes",
        f"{DIAGRAMS}/graph.py",
        "            if vertex not in stops:\n",
        "            if vertex is not None:\n",
        TOLD,
    ),
    Mutant(
        "sketches: layers between boxes are forgotten",
        f"{DIAGRAMS}/arrows.py",
        'if not is_table and getattr(vertex.operation, "weights", None):',
        'if is_table and getattr(vertex.operation, "weights", None):',
        f"{ZOO}::test_a_model_with_a_part_more_is_refused_by_name",
    ),
    Mutant(
        "sketches: a shape holds other boxes' numbers too",
        f"{DIAGRAMS}/arrows.py",
        "            if origin(vertex) == {source}:\n",
        "            if source in origin(vertex):\n",
        (DIN, f"{ZOO}::test_shapes_come_from_the_model"),
    ),
    Mutant(
        "interventions: other boxes are not held",
        f"{DIAGRAMS}/interventions.py",
        "new = self._other(base[part]) if name == source else base[part]",
        "new = self._other(base[part]) if name == source else np.array(output)[part]",
        ACTS,
    ),
    Mutant(
        "interventions: the model keeps random weights",
        f"{DIAGRAMS}/interventions.py",
        "    finally:\n        for weight, value in zip(weights, before, strict=True):\n",
        "    finally:\n        for weight, value in zip([], [], strict=True):\n",
        (ACTS, f"{ZOO}::test_a_sketch_leaves_the_model_as_it_was"),
    ),
    Mutant(
        "interventions: weights that begin at zero hide what they will read",
        f"{DIAGRAMS}/interventions.py",
        'np.abs(drawn) + 0.1 if "variance" in weight.path else drawn',
        "value",
        (ACTS, f"{ZOO}::test_zero_weights_hide_no_arrow"),
    ),
    Mutant(
        "diagrams: masks are drawn as data",
        f"{DIAGRAMS}/graph.py",
        '_MASKS = ("NotEqual",)',
        "_MASKS = ()",
        DIN,
    ),
    Mutant(
        "diagrams: a table reads all columns that it is handed",
        f"{DIAGRAMS}/graph.py",
        "        inputs = [t for t in inputs if id(t) in read or id(t) not in handed]\n",
        "        inputs = [t for t in inputs if id(t) in handed or id(t) not in read]\n",
        f"{MODELS}::test_a_table_reads_its_own_columns_only",
    ),
    Mutant(
        "pictures: an arrow may run through a box",
        f"{DIAGRAMS}/labels.py",
        "if any(crosses(segment, inner) for segment in _segments(line)):",
        "if all(crosses(segment, inner) for segment in _segments(line)[1:]) and line[2:]:",
        f"{DRAWN}::test_what_a_reader_would_stumble_over_is_told",
    ),
    Mutant(
        "pictures: labels may cover boxes",
        f"{DIAGRAMS}/labels.py",
        "for other in [*taken, *areas.values()]",
        "for other in areas.values()",
        f"{DRAWN}::test_labels_keep_clear_of_boxes_and_of_each_other",
    ),
    Mutant(
        "pictures: signs of text break the SVG",
        f"{DIAGRAMS}/svg.py",
        "{escape(part.text)}</text>",
        "{part.text}</text>",
        f"{DRAWN}::test_the_svg_is_a_card_with_title_and_description",
    ),
]
