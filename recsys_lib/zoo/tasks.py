"""Rows of chapter 05: models that predict several things about one impression."""

from recsys_lib.zoo.row import rows_of

_PLACE = ("recsys_lib.multi_task", "05_multi_task")
_row = rows_of(*_PLACE, needs=("several tasks",))
_click_first = rows_of(*_PLACE, needs=("several tasks", "two tasks"))
_chain = rows_of(*_PLACE, needs=("several tasks", "chain of tasks"))

ROWS = (
    _row("shared_bottom", "Shared-Bottom", "shared_bottom", "01_shared_bottom", "Caruana 1997"),
    _row("omoe", "OMoE", "omoe", "02_mmoe", "Ma et al. 2018"),
    _row("mmoe", "MMoE", "mmoe", "02_mmoe", "Ma et al. 2018"),
    _row("cgc", "CGC", "cgc", "03_cgc_and_ple", "Tang et al. 2020"),
    _row("ple", "PLE", "ple", "03_cgc_and_ple", "Tang et al. 2020"),
    _click_first("esmm", "ESMM", "esmm", "04_esmm", "Ma et al. 2018b"),
    # A model's style is its place, so that rows that came later stand at the end.
    _chain("aitm", "AITM", "aitm", "04_esmm", "Xi et al. 2021"),
    _row("stem", "STEM", "stem", "03_cgc_and_ple", "Su et al. 2024"),
)
