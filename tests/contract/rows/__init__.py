"""What the contract tests know of each row of the zoo: small options, and how options act.

Most of it follows from names, types and the classes of layers, see ``checked``. A family's file
says the rest.
"""

import dataclasses

from rows import crosses, scenarios, sequences, tasks
from rows.checked import Checked

_ROWS = crosses.ROWS | sequences.ROWS | tasks.ROWS | scenarios.ROWS
CHECKED: dict[str, Checked] = {
    key: dataclasses.replace(row, acts=_ROWS[row.variant_of or key].acts)
    for key, row in _ROWS.items()
}
"""Key of each row of the zoo to what is known of it."""
