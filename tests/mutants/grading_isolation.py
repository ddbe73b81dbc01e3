"""Mistakes in the isolation of students' code that the tests must reject."""

from runner import Mutant

EXECUTOR = "bookmaker/grading/executor.py"
REMOTE = "bookmaker/grading/remote.py"
SANDBOX = "bookmaker/grading/sandbox.py"
LINE = "bookmaker/test_grading_remote.py"
ATTACKS = "bookmaker/test_grading_attacks.py"
REFUSED = f"{LINE}::test_what_encode_never_writes_is_refused"
STOPPED = f"{ATTACKS}::test_it_is_stopped_with_a_reason_and_a_remark"
LEFT_OUT = (
    f"{ATTACKS}::test_a_cell_that_ended_the_process_is_left_out_when_the_others_are_run_again"
)

MUTANTS = [
    Mutant(
        "isolation: whatever is called a test is run in the grader",
        EXECUTOR,
        'if locked and part in ("public", "hidden"):',
        'if part in ("public", "hidden"):',
        f"{ATTACKS}::test_locked_cells_alone_are_run_here",
    ),
    Mutant(
        "isolation: the student's names hide those of the tests",
        EXECUTOR,
        "    return sorted(set(used(top)) - bound - set(dir(builtins)))",
        "    return sorted(set(used(top)) | bound)",
        f"{ATTACKS}::test_it_is_in_vain[patched checks]",
    ),
    Mutant(
        "isolation: a new process does not know the earlier cells",
        EXECUTOR,
        "for one in list(self.done):",
        "for one in self.done[:0]:",
        LEFT_OUT,
    ),
    Mutant(
        "isolation: the cell that ended the process is run again",
        EXECUTOR,
        '        answer = student.ask({"run": source, "name": name})\n',
        "        self.done.append((source, name))\n"
        '        answer = student.ask({"run": source, "name": name})\n',
        LEFT_OUT,
    ),
    Mutant(
        "isolation: the memory is what the student's process says",
        EXECUTOR,
        "return max(told, self._sandbox.memory() - before - MEMORY_SLACK)",
        "return told",
        f"{ATTACKS}::test_memory_is_measured_from_outside_too",
    ),
    Mutant(
        "isolation: any answer will do",
        REMOTE,
        'elif message.get("answer") == number:',
        'elif "answer" in message:',
        (f"{LINE}::test_a_broken_message_is_refused", f"{STOPPED}[a forged answer]"),
    ),
    Mutant(
        "isolation: arrays of any dtype",
        REMOTE,
        "    if dtype not in _DTYPES:\n",
        "    if not dtype:\n",
        REFUSED,
    ),
    Mutant(
        "isolation: many keys of one hash",
        REMOTE,
        "(LARGEST_SET if plain else LARGEST_ODD_SET)",
        "LARGEST_SET",
        REFUSED,
    ),
    Mutant(
        "isolation: the process has the grader's environment",
        SANDBOX,
        "        **dict.fromkeys(one_thread",
        "        **os.environ,\n        **dict.fromkeys(one_thread",
        f"{ATTACKS}::test_the_process_sees_nothing_of_book_course_and_machine",
    ),
    Mutant(
        "isolation: what lies in a folder that is needed is seen",
        SANDBOX,
        "covered = {path for path in covered - paths if within(path, paths)}",
        "covered = set()",
        f"{ATTACKS}::test_a_hidden_folder_in_a_folder_that_is_needed_is_empty",
    ),
]
