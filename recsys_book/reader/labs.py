"""Labs: a lab whose data are absent says so, and its cells do nothing."""

from recsys_book.base.shell import running_shell
from recsys_lib.data import registry


def absence(name):
    """Return None if the data set ``name`` is there, else one line that says how to get it.

    Raises:
        ValueError: the registry has no such data set.
    """
    try:
        registry.locate(name)
    except registry.DataUnavailable as error:
        return str(error)
    return None


def needs_data(name):
    """Say whether a lab's data set is there; if it is not, the cells that follow do nothing.

    They do nothing for as long as the set is absent. Once it is there, run the lab from the top;
    the kernel may stay.

    Args:
        name: of a data set in ``recsys_lib.data.registry``.

    Raises:
        ValueError: the registry has no such data set.
    """
    absent = absence(name)
    print(f"{name}: here, the lab can run." if absent is None else absent)
    shell = running_shell()
    if absent is None or shell is None:
        return
    transforms = shell.input_transformers_cleanup
    if not any(isinstance(one, _Skip) and one.name == name for one in transforms):
        transforms.append(_Skip(name))


class _Skip:
    """IPython input transform: empties all cells except the one that asks for the data set."""

    def __init__(self, name):
        self.name = name

    def __call__(self, lines):
        asks = any("needs_data(" in line for line in lines)
        return lines if asks or absence(self.name) is None else []
