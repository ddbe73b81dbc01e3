"""The book as a website: ``make site`` builds it in ``build/site/html`` from committed notebooks.

Nothing is executed and no host is asked. A source tree is staged first: lessons with sliders,
fields for guesses, hints and links in the place of what needs a kernel, and pages made of the zoo,
the ledger and the records. Sphinx then makes HTML of it, which opens from a disk, too.
"""
