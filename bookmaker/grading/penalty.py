"""What lateness costs: nbgrader's own plugin, and a share of the points for each day."""

import math

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float


class LatePenalty(LateSubmissionPlugin):
    """nbgrader's penalties, and a share of the points for each day that has begun."""

    percent_per_day = Float(0.0, help="Percent of the points, for each day begun.").tag(config=True)

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """Return the points that are taken off; nbgrader calls it for what is late."""
        if not self.percent_per_day:
            return super().late_submission_penalty(student_id, score, total_seconds_late)
        days = math.ceil(total_seconds_late / 86400)
        return score * min(1.0, days * self.percent_per_day / 100)
