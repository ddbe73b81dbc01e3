"""The course around the book: paths with hours, a manual for instructors, projects, slides."""
