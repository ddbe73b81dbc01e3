"""From a log to a service: read files, train on one machine or several, compare, export, serve.

Every step is a command (``recsys describe | check | train | leaderboard | export | verify |
serve``, see ``recsys_pipeline.__main__``) and a package of the same name.
"""
