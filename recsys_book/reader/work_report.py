"""The report of a refresh of the work copies, in a few lines for the reader."""

from dataclasses import dataclass, field

_SHOWN = 4


@dataclass
class Report:
    """Names of work copies by what happened to them, relative to ``work/``.

    Args:
        copied: were missing.
        renewed: the reader had changed nothing.
        kept: hold answers to the lesson as it is published today.
        newer: hold answers; the newer lesson lies beside them.
        both: newer lessons beside answered ones that hold answers themselves.
        taken: answers that were found in ``chapters/``.
        gone: hold answers to lessons that the book no longer has.
        unreadable: ``name: fault`` of files that are not notebooks.
    """

    copied: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    newer: list[str] = field(default_factory=list)
    both: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The report as text, a line for each kind of thing that happened."""
        lines = []
        done = [
            f"{len(names)} {'notebook' if len(names) == 1 else 'notebooks'} {what}"
            for names, what in ((self.copied, "copied"), (self.renewed, "renewed"))
            if names
        ]
        if done:
            lines.append(f"work/: {', '.join(done)}")
        for names, text in (
            (self.kept, "Your answers stay as they are in {}"),
            (self.newer, "You changed {}: kept; the newer one lies beside it as NAME.new.ipynb"),
            (self.both, "{} holds answers too and is kept; rename it to go on with it"),
            (
                self.taken,
                "Answers in chapters/ were copied to work/ as {}; "
                "`git checkout -- chapters/` puts the book back as it was",
            ),
            (self.gone, "The book no longer has {}; your answers stay"),
        ):
            if names:
                lines.append(text.format(_enumerated(names)))
        lines += [f"{one}; left alone" for one in self.unreadable]
        return lines


def _enumerated(names):
    shown = ", ".join(names[:_SHOWN])
    rest = len(names) - _SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown
