"""Builders of an earlier revision, called with the names that options have today.

An option that the earlier builder lacks is left out where it is at rest (it has its default, which
is what the earlier builder always did); otherwise the model did not exist.
"""

import importlib
import inspect


class Missing(Exception):
    """The revision has no such model; the message says what it lacks."""


RENAMED = {
    "build_shared_bottom": {"hidden_units": "bottom_units"},
    "build_hmoe": {"expert_units": "hidden_units"},
    "build_star": {"partitioned_normalization": "normalization"},
    "build_ranker": {"interest": "history", "scenario_use": "scenario"},
}
"""Of each builder: today's name of an option, and the name that it had."""

FOLLOWS = {"bottom_activation": "activation", "expert_activation": "activation"}
"""Options that are today, unless they are given, what another one says."""


def build(where, feature_columns, tasks, options, defaults):
    """Build a model of the revision of the library that this process holds.

    Args:
        where: ``"package:function"``, as the zoo has it.
        feature_columns: columns of the data set.
        tasks: today's argument: a name, or a tuple or list of names.
        options: today's options that make the model, by name.
        defaults: today's default of every option of the builder, by name.

    Raises:
        Missing: the revision lacks the builder, or an option that the model needs.
    """
    package, name = where.split(":")
    try:
        function = getattr(importlib.import_module(package), name)
    except (ImportError, AttributeError):
        raise Missing(f"no {name}") from None
    known = _parameters(function)
    settings = {**defaults, **options}
    for option, follows in FOLLOWS.items():
        # Only where the earlier builder had a value of its own; there, None meant no activation.
        had = option in known and known[option].default is not None
        if had and option in settings and settings[option] is None:
            settings[option] = settings[follows]
    renamed = {
        new: old for new, old in RENAMED.get(name, {}).items() if new not in known and old in known
    }
    for old in renamed.values():
        if old not in renamed:  # a name that means something else today
            settings.pop(old, None)
    arguments = _tasks(known, tasks)
    for option, value in settings.items():
        if renamed.get(option, option) in known:
            arguments[renamed.get(option, option)] = _as_it_was(option, value, known)
        elif option in options and value != defaults.get(option):
            raise Missing(f"no option {option} in {name}")
    return function(feature_columns, **arguments)


def _parameters(function):
    """Parameters by name, those of the builder that ``**options`` are handed to included."""
    parameters = dict(inspect.signature(function).parameters)
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        wider = {"build_omoe": "build_mmoe", "build_cgc": "build_ple"}[function.__name__]
        module = inspect.getmodule(function)
        parameters |= inspect.signature(getattr(module, wider)).parameters
        # What the narrower builder fixes is not to be given.
        for fixed in ("one_gate", "num_levels"):
            parameters.pop(fixed, None)
    return parameters


def _tasks(known, tasks):
    several = (tasks,) if isinstance(tasks, str) else tuple(tasks)
    if "click_task" in known:
        return dict(zip(("click_task", "conversion_task"), several, strict=True))
    if "task" in known:
        return {"task": several[0]}
    # Every builder that had `tasks` took a tuple; since a name is allowed, it is keyword-only to
    # have anything behind it.
    keyword_only = any(p.kind is p.KEYWORD_ONLY for p in known.values())
    return {"tasks": tasks if keyword_only and isinstance(tasks, str) else several}


def _as_it_was(option, value, known):
    """Lists are tuples again, and no network was ``None`` where that was the default."""
    if isinstance(value, list):
        value = tuple(tuple(part) if isinstance(part, list) else part for part in value)
    if option == "hidden_units" and value == () and known[option].default is None:
        return None
    return value
