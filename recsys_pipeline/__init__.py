"""From a log to a service: read files, train on one machine or several, compare, export, serve.

Every step is a command (``recsys describe | check | train | leaderboard | export | verify |
serve``, see ``recsys_pipeline.__main__``) and a package of the same name.
"""

INSTALL = 'python -m pip install ".[train]" in the folder of the book'
"""What brings all that training and exporting need, for messages. No index has the book's packages,
so no message may name a distribution that anybody could register there."""
