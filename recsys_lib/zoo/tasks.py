"""Rows of chapter 05: models that predict several things about one impression."""

from recsys_lib.zoo.row import Model, rows_of

_row = rows_of("multi_task", "05_multi_task", needs=("several tasks",))

ROWS = (
    _row("shared_bottom", "Shared-Bottom", "shared_bottom", "01_shared_bottom", "Caruana 1997"),
    _row("omoe", "OMoE", "omoe", "02_mmoe", "Ma et al. 2018"),
    _row("mmoe", "MMoE", "mmoe", "02_mmoe", "Ma et al. 2018"),
    _row("cgc", "CGC", "cgc", "03_cgc_and_ple", "Tang et al. 2020"),
    _row("ple", "PLE", "ple", "03_cgc_and_ple", "Tang et al. 2020"),
    Model(
        key="esmm",
        name="ESMM",
        builder="recsys_lib.multi_task:build_esmm",
        lesson="05_multi_task/04_esmm",
        paper="Ma et al. 2018b",
        needs=("several tasks", "two tasks"),
    ),
)
