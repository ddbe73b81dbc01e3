"""Which parameters of a module's tests were selected, for fixtures that prepare all of them."""


def values(request, name):
    """Each value once, by its order, that the parameter ``name`` has in a module's selected tests.

    Args:
        request: pytest's request of a fixture of that module.
        name: a parameter of some of its tests.
    """
    found = {}
    for item in request.session.items:
        if item.path == request.path and name in getattr(item, "callspec", _Nothing).params:
            value = item.callspec.params[name]
            found[id(value)] = value
    return list(found.values())


class _Nothing:
    params = ()
