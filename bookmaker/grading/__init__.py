"""Grading with nbgrader: a course's assignments, submissions, scores and feedback."""
