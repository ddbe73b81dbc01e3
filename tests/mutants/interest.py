"""Mistakes in the history in front of the multi-task models that the tests must reject."""

from runner import Mutant

INTEREST = "recsys_lib/multi_task/interest.py"
DIN = "recsys_lib/sequence/din.py"
PARENT = "recsys_lib/multi_task"
TEST = "multi_task/test_interest.py"
FORMULA = f"{TEST}::test_tasks_equal_the_formula"
DINS = f"{TEST}::test_the_interest_is_dins"
REACH = f"{TEST}::test_options_of_networks_reach_the_unit"
TABLES = f"{TEST}::test_options_of_tables_reach_them"
NAMED = f"{TEST}::test_histories_name_those_that_are_read"
POOLED = f"{TEST}::test_pooled_is_the_default_and_leaves_the_unit_out"
NEEDED = f"{TEST}::test_attention_needs_a_history"
PULLS = f"{TEST}::test_every_task_pulls_the_unit_and_the_history"
DERIVATIVES = "multi_task/test_derivatives.py::test_autodiff_is_the_derivative_in_every_variable"
ACTS = "contract/test_options.py::test_the_option_acts"

BUILT = {
    "shared_bottom": "shared_bottom.py",
    "mmoe": "mmoe.py",
    "ple": "ple.py",
    "esmm": "esmm.py",
}
"""Of each model that reads a history: its file."""
HANDING = {"omoe": "mmoe.py", "cgc": "ple.py"}
"""Of each model that hands its options on to another: its file."""

HANDED_ON = ("interest", "attention_units", "attention_activation", "scale", "product", "histories")
FORGOTTEN = {
    "interest": ('"pooled"', f"{FORMULA}[%s-raw-False]"),
    "attention_units": ("(32, 16)", f"{REACH}[%s]"),
    "attention_activation": ('"dice"', f"{REACH}[%s]"),
    "scale": ('"raw"', f"{FORMULA}[%s-softmax-True]"),
    "product": ("False", f"{FORMULA}[%s-softmax-True]"),
    "histories": ("None", f"{NAMED}[%s]"),
}
"""Of each option: what the unit gets where it is not handed on, and the test that sees it."""


def read(first=None, value=None):
    """What a builder says of its history; ``value`` stands in an option's place."""
    return f"Reading({', '.join(value if name == first else name for name in HANDED_ON)})"


def handed_on(first, value=None):
    """The lines of a call from an option to the last; ``value`` stands in the first one's place."""
    names = HANDED_ON[HANDED_ON.index(first) :]
    values = [value or first, *names[1:]]
    lines = "".join(f"{n}={v},\n        " for n, v in zip(names, values, strict=True))
    return lines + "activation=activation,\n        dropout_rate"


OPTIONS = [
    Mutant(f"{key}: the unit's {option} is not handed on", f"{PARENT}/{file}", *texts, test % key)
    for option, (value, test) in FORGOTTEN.items()
    for key, file, texts in (
        *((key, file, (read(), read(option, value))) for key, file in BUILT.items()),
        *((k, f, (handed_on(option), handed_on(option, value))) for k, f in HANDING.items()),
    )
]
NETWORKS = [
    Mutant(
        f"{key}: the unit gets no options of networks",
        f"{PARENT}/{file}",
        "embedding_l2, reading, **hidden\n",
        "embedding_l2, reading\n",
        f"{REACH}[{key}]",
    )
    for key, file in BUILT.items()
]

MUTANTS = [
    Mutant(
        "interest: the candidate is no feature",
        INTEREST,
        "[*profile, request.candidate, *with_products",
        "[*profile, *with_products",
        FORMULA,
    ),
    Mutant(
        "interest: the profile is left out",
        INTEREST,
        "profile = [] if request.profile is None else [request.profile]",
        "profile = []",
        FORMULA,
    ),
    Mutant(
        "interest: products whatever the option says",
        INTEREST,
        "with_products(request, [attended], product)",
        "with_products(request, [attended], True)",
        FORMULA,
    ),
    Mutant(
        "interest: every scale is the raw sum",
        DIN,
        "scale=step_scale(scale)",
        'scale="raw"',
        DINS,
    ),
    Mutant(
        "interest: never normalised",
        DIN,
        "    return normalized(request, interest, scale, name)",
        "    return interest",
        DINS,
    ),
    Mutant(
        "interest: the unit gets no options of networks",
        DIN,
        "        **hidden,\n        name=",
        "        name=",
        REACH,
    ),
    Mutant(
        "interest: tables without their penalty",
        INTEREST,
        "embedding_l2=check_l2(feature_columns, embedding_l2)",
        "embedding_l2=check_l2(feature_columns, 0.0)",
        TABLES,
    ),
    Mutant(
        "interest: the history is pooled whatever the option says",
        INTEREST,
        'if check_choice("interest", interest, INTERESTS) == "pooled":',
        'if check_choice("interest", interest, INTERESTS):',
        (FORMULA, NEEDED),
    ),
    Mutant(
        "interest: the history is attended to whatever the option says",
        INTEREST,
        'if check_choice("interest", interest, INTERESTS) == "pooled":',
        'if check_choice("interest", interest, INTERESTS) == "mean":',
        POOLED,
    ),
    Mutant(
        "interest: pooled tables without their start",
        INTEREST,
        "shared_input(feature_columns, embedding_dim, embeddings_initializer, embedding_l2)",
        "shared_input(feature_columns, embedding_dim, None, embedding_l2)",
        f"{ACTS}[mmoe-embeddings_initializer]",
    ),
    Mutant(
        "interest: pooled tables without their penalty",
        INTEREST,
        "shared_input(feature_columns, embedding_dim, embeddings_initializer, embedding_l2)",
        "shared_input(feature_columns, embedding_dim, embeddings_initializer)",
        f"{ACTS}[mmoe-embedding_l2]",
    ),
    Mutant(
        "interest: attended tables without their start",
        INTEREST,
        "        embeddings_initializer=embeddings_initializer,\n",
        "",
        TABLES,
    ),
    Mutant(
        "interest: its gradient is stopped",
        INTEREST,
        "*with_products(request, [attended], product)]",
        "*with_products(request, [keras.ops.stop_gradient(attended)], product)]",
        (f"{DERIVATIVES}[MMoE-attention]", PULLS),
    ),
    Mutant(
        "MMoE: the unit has the experts' activation",
        f"{PARENT}/mmoe.py",
        read(),
        read("attention_activation", "activation"),
        f"{REACH}[mmoe]",
    ),
    *OPTIONS,
    *NETWORKS,
]
