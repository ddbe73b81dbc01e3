"""The evidence: what the book says of its models, declared, measured on fresh worlds, recorded.

python -m experiments plan      what it will cost, before anything runs
python -m experiments run       measure what is declared and not yet recorded
python -m experiments --help    the other commands
"""
