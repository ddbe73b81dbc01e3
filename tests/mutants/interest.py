"""Mistakes in the history in front of MMoE that the tests must reject."""

from runner import Mutant

INTEREST = "recsys_lib/multi_task/interest.py"
DIN = "recsys_lib/sequence/din.py"
MMOE = "recsys_lib/multi_task/mmoe.py"
TEST = "multi_task/test_interest.py"
FORMULA = f"{TEST}::test_tasks_equal_the_formula"
DINS = f"{TEST}::test_the_interest_is_dins"
REACH = f"{TEST}::test_options_of_networks_reach_the_unit"

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
        "with_products(request, [interest], product)",
        "with_products(request, [interest], True)",
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
        REACH,
    ),
    Mutant(
        "MMoE: the history is pooled whatever the option says",
        MMOE,
        'if check_choice("interest", interest, INTERESTS) == "pooled":',
        'if check_choice("interest", interest, INTERESTS):',
        (FORMULA, f"{TEST}::test_attention_needs_a_history"),
    ),
    Mutant(
        "MMoE: the unit has the experts. activation",
        MMOE,
        "attention_activation=attention_activation,",
        "attention_activation=activation,",
        REACH,
    ),
]
