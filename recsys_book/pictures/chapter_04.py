"""Sketches of chapter 04: models that read what a user did before."""

from recsys_book.pictures.plan import Plan

_BEHAVIOURS = "behaviours\n$e_1 … e_T$"
_THOUSANDS = "thousands of\nbehaviours $e_j$"


def _inputs(plan: Plan, behaviours: str) -> None:
    """Behaviours, the candidate and all other columns, side by side."""
    plan.box("behaviours", behaviours, "behaviours", "embedding", 0, 0)
    plan.box("candidate", "candidate $v$", "candidate", "embedding", 1.5, 0)
    plan.box("rest", "user, context and\nother columns", "*", "input", 3, 0)


def _pooled(plan: Plan) -> Plan:
    """The boxes that the mean and the recurrent network share: neither reads the candidate."""
    _inputs(plan, _BEHAVIOURS)
    plan.box("product", "interest ∘ candidate", "Multiply?", "interaction", 0.75, 2)
    plan.box("deep", "network", "deep deep_logit", "network", 0, 3, 4)
    plan.box("p", "p({task})", "output", "output", 1.5, 4)
    plan.arrows("behaviours > interest > deep > p; rest > deep; candidate > deep")
    plan.arrows("interest > product > deep; candidate > product")
    return plan


def mean() -> Plan:
    plan = Plan("mean", "The interest is the mean of the behaviours, the same for any candidate.")
    plan.box("interest", "mean of the steps", "pooled_history", "interaction", 0, 1)
    return _pooled(plan)


def gru() -> Plan:
    plan = Plan("GRU", "The last state reads the behaviours in their order.")
    plan.box("interest", "GRU,\nlast state $h_T$", "gru gru_last", "network", 0, 1)
    return _pooled(plan)


def din() -> Plan:
    plan = Plan("DIN", "The candidate decides how much each behaviour counts.")
    _inputs(plan, _BEHAVIOURS)
    plan.box("unit", "activation unit\n$w_j = a(e_j, v)$", "din_weights", "gate", 0.5, 1)
    plan.box("mask", "mask", "behaviour_mask", "input", 1.78, 1, 0.45)
    plan.box("interest", "interest\n$Σ_j w_j e_j$", "din_interest", "interaction", 0, 2)
    plan.box("product", "interest ∘ $v$", "Multiply?", "interaction", 1.05, 2, 0.85)
    plan.box("deep", "network", "deep deep_logit", "network", 0, 3, 4)
    plan.box("p", "p({task})", "output", "output", 1.5, 4)
    plan.arrows("behaviours > unit > interest > deep > p; behaviours > interest")
    plan.arrows("interest > product > deep; candidate > product; mask > unit")
    plan.arrows("candidate > unit; candidate > deep via 2.3,1 2.3,2; rest > deep")
    return plan


def dien() -> Plan:
    plan = Plan(
        "DIEN",
        "A GRU follows the interests; a second one, slowed by the attention of "
        "the candidate, follows how the interest that matters evolved.",
    )
    plan.box("behaviours", _BEHAVIOURS, "behaviours", "embedding", 0, 0, 1.25)
    plan.box("negatives", "drawn\nnegatives", "NegativeSampler?", "input", 1.3, 0, 0.75)
    plan.box("candidate", "candidate $v$", "candidate", "embedding", 2.2, 0, 0.8)
    plan.box("rest", "other\ncolumns", "*", "input", 3.2, 0, 0.8)
    plan.box("states", "GRU\nstates $h_1 … h_T$", "interest_states", "network", 0, 1, 0.95)
    plan.box(
        "loss",
        "auxiliary loss: $h_t$ tells $e_{t+1}$ from\na negative; hands $h_t$ on",
        "auxiliary_loss?",
        "interaction",
        0,
        2,
        2,
    )
    plan.box("attention", "attention\n$a_t$ = softmax($h_t W v$)", "dien_attention", "gate", 1.5, 3)
    plan.box(
        "evolved",
        "AUGRU, last state\nupdate gate times $a_t$",
        "evolved_states dien_interest",
        "network",
        0,
        4,
        1.25,
    )
    plan.box("deep", "network", "deep deep_logit", "network", 0, 5, 4)
    plan.box("p", "p({task})", "output", "output", 1.5, 6)
    plan.arrows("behaviours > states > loss > evolved > deep > p; rest > deep")
    plan.arrows("behaviours > loss via 1.1,1")
    plan.arrows("states >? evolved; states >? attention")  # without the auxiliary loss
    plan.arrows("negatives > loss > attention > evolved; candidate > attention; candidate > deep")
    return plan


def dsin() -> Plan:
    plan = Plan(
        "DSIN",
        "Behaviours are grouped in sessions; one block reads each session, a "
        "Bi-LSTM the sequence of sessions, and the candidate weighs both.",
        4.4,
    )
    plan.box("behaviours", "behaviours\nin sessions", "behaviours", "embedding", 0, 0, 1.2)
    plan.box("candidate", "candidate $v$", "candidate", "embedding", 2.7, 0, 0.9)
    plan.box("rest", "other\ncolumns", "*", "input", 3.7, 0, 0.7)
    plan.box(
        "bias", "+ bias of session,\nstep and number", "bias_encoding?", "embedding", 0, 1, 1.2
    )
    plan.box(
        "block",
        "self-attention block, mean over the steps: $u_k$",
        "session_block session_interests",
        "network",
        0,
        2,
        2.7,
    )
    plan.box("lstm", "LSTM, both directions: $h_k$", "session_states", "network", 0, 3, 1.5)
    plan.box("state_attention", "attention $a'_k$", "state_attention", "gate", 0.5, 4, 0.95)
    plan.box("attention", "attention $a_k$", "interest_attention", "gate", 1.75, 4, 0.95)
    plan.box("state", "$Σ_k a'_k h_k$", "activated_state", "interaction", 0, 5, 1.2)
    plan.box("interest", "$Σ_k a_k u_k$", "activated_interest", "interaction", 1.45, 5, 1.2)
    plan.box("deep", "network", "deep deep_logit", "network", 0, 6, 4.4)
    plan.box("p", "p({task})", "output", "output", 1.7, 7)
    plan.arrows("behaviours > bias > block > lstm > state_attention > state > deep > p")
    plan.arrows("block > attention > interest > deep; lstm > state via 0.28,4")
    plan.arrows("candidate > attention; candidate > deep; rest > deep")
    plan.arrows("block > interest via 1.6,4; candidate > state_attention via 2.75,2.9 1.1,3.3")
    return plan


def bst() -> Plan:
    plan = Plan(
        "BST", "A transformer block reads the behaviours with the candidate as last step.", 4.4
    )
    plan.box("behaviours", _BEHAVIOURS, "behaviours", "embedding", 0, 0)
    plan.box("recency", "positions\n$p_1 … p_T$", "recency?", "embedding", 1, 0, 0.8)
    plan.box("candidate", "candidate $v$", "candidate", "embedding", 2.65, 0, 0.95)
    plan.box("own", "position\n$p_0$, learned", "sequence#position", "embedding", 1.8, 0, 0.85)
    plan.box("rest", "profile:\nother columns", "*", "input", 3.6, 0, 0.8)
    plan.box("sequence", "$T + 1$ steps, the candidate last", "sequence", "interaction", 0, 1, 3.1)
    plan.box("attention", "self-attention", "bst_block/attention", "gate", 0.1, 2.2, 1.1)
    plan.box("first", "+, normalisation", "bst_block/first_norm", "interaction", 0.7, 3.1, 1.2)
    plan.box(
        "step",
        "network of\neach step",
        "bst_block/expand bst_block/contract",
        "network",
        0.1,
        4.1,
        1.1,
    )
    plan.box("second", "+, normalisation", "bst_block/second_norm", "interaction", 0.7, 5.1, 1.2)
    plan.box("deep", "network over all steps", "deep deep_logit", "network", 0, 6.2, 4.4)
    plan.box("p", "p({task})", "output", "output", 1.5, 7.1)
    plan.frame("transformer block", "attention first step second")
    plan.arrows("behaviours > sequence > attention > first > step > second > deep > p")
    plan.arrows("recency > sequence; own > sequence; candidate > sequence; rest > deep")
    plan.arrows("candidate > deep via 3.4,1 3.4,5")
    plan.arrows("sequence > first via 1.5,1.7; first > second via 1.5,4.1")
    return plan


def _searched(plan: Plan, width: float = 4) -> Plan:
    """The boxes of all models with a search: inputs, found steps, attention, network."""
    _inputs(plan, _THOUSANDS)
    plan.box("deep", "network", "deep deep_logit", "network", 0, 7, width)
    plan.box("p", "p({task})", "output", "output", 1.5, 8)
    plan.arrows("search > found > interest > deep > p; rest > deep")
    plan.arrows("search > weights > interest; candidate > deep via 2.9,1 2.9,6")
    return plan


def sim() -> Plan:
    plan = Plan(
        "SIM",
        "A search picks the behaviours that have to do with the candidate and an attention looks "
        "at them closely; in training the search has a prediction of its own.",
    )
    plan.box("scores", "scores $s'_j$", "sim_scores", "gate", 0.5, 1)
    plan.box("search", "the $R$ best", "sim_search", "interaction", 0.5, 2)
    plan.box("recency", "time", "recency?", "embedding", 0, 2, 0.44)
    plan.box("found", "found steps $z_j$", "sim_found", "interaction", 0, 4)
    plan.box("weights", "attention $a^h_j$", "sim_close_scores sim_weights", "gate", 1, 5)
    plan.box("interest", "heads\n$Σ_j a^h_j z_j$", "sim_interest", "interaction", 0, 6)
    plan.box(
        "own",
        "own prediction,\nin training",
        "sim_pooled sim_search_deep sim_search_deep_logit sim_search_prediction",
        "network",
        1.95,
        2,
        0.9,
    )
    plan = _searched(plan, 3.4)
    plan.arrows("behaviours > scores > search; candidate > scores; behaviours > found")
    plan.arrows("found > weights; candidate > weights; recency > found")
    plan.arrows("scores > own; candidate > own; behaviours > own via 1.7,0.75")
    plan.arrows("own > p via 3.8,6 3.8,7.6")
    return plan


def eta() -> Plan:
    plan = Plan(
        "ETA",
        "Signs of random projections are a code of every vector; an attention looks at the "
        "behaviours whose codes differ least from the candidate's.",
    )
    plan.box("codes", "codes: signs of random projections", "eta_codes", "gate", 0.4, 1, 2.1)
    plan.box("scores", "- Hamming distances", "eta_scores", "gate", 0.5, 2, 1.3)
    plan.box("search", "the $R$ best", "eta_search", "interaction", 0.5, 3)
    plan.box("found", "found steps", "eta_found", "interaction", 0, 4)
    plan.box("weights", "attention $a^h_j$", "eta_close_scores eta_weights", "gate", 1, 5)
    plan.box("interest", "heads\n$Σ_j a^h_j W_V e_j$", "eta_interest", "interaction", 0, 6)
    plan = _searched(plan)
    plan.arrows("behaviours > codes > scores > search; candidate > codes")
    plan.arrows("behaviours > found via 0.15,1 0.15,3")
    plan.arrows("found > weights; candidate > weights via 2.65,1 2.65,4")
    return plan


def twin() -> Plan:
    plan = Plan(
        "TWIN",
        "The attention's own scores search the behaviours, and weigh what was found.",
    )
    plan.box("recency", "time", "recency?", "embedding", 0.22, 1, 0.44)
    plan.box("scores", "scores of\nthe attention", "twin_scores", "gate", 1.15, 1)
    plan.box("search", "the $R$ best", "twin_search", "interaction", 1.15, 2)
    plan.box("found", "found steps $z_j$", "twin_found", "interaction", 0, 3)
    plan.box(
        "weights", "softmax of the\nfound scores", "twin_found_scores twin_weights", "gate", 1.6, 4
    )
    plan.box("interest", "heads\n$Σ_j a^h_j W_V z_j$", "twin_interest", "interaction", 0, 5)
    plan = _searched(plan)
    plan.arrows("behaviours > scores > search; candidate > scores; recency > found")
    plan.arrows("behaviours > found via 0.1,1 0.1,2; recency > scores")
    plan.arrows("scores > weights via 2.25,1.6 2.25,3")
    return plan


def sdim() -> Plan:
    plan = Plan(
        "SDIM",
        "Behaviours whose hash falls together with the candidate's are added up, in many rounds; "
        "the sums of all signatures are made once for a request.",
    )
    _inputs(plan, _THOUSANDS)
    plan.box("codes", "codes: signs of random projections", "sdim_codes", "gate", 0.4, 1, 2.1)
    plan.box("signatures", "signatures of\nthe behaviours", "sdim_signatures", "gate", 0.3, 2)
    plan.box("asked", "signatures of\nthe candidate", "sdim_candidate_signatures", "gate", 1.5, 2)
    plan.box(
        "interest",
        "mean over rounds $r$\n$Σ_j p_{rj} e_j$",
        "sdim_interest",
        "interaction",
        0,
        3,
        1.3,
    )
    plan.box("deep", "network", "deep deep_logit", "network", 0, 4, 4)
    plan.box("p", "p({task})", "output", "output", 1.5, 5)
    plan.arrows("behaviours > codes > signatures > interest > deep > p; candidate > codes > asked")
    plan.arrows("asked > interest; rest > deep; behaviours > interest via 0.15,1 0.15,2")
    plan.arrows("candidate > deep via 2.65,1 2.65,3")
    return plan
