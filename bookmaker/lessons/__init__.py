"""A lesson as its text says it: parts, cells, figures, sentences, and the minutes that it takes."""
