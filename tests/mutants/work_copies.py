"""Mistakes in work copies and links that would lose answers or lead nowhere."""

from runner import Mutant

COPIES = "recsys_book/work_copies.py"
SOURCES = "recsys_book/notebook_sources.py"
TESTS = "book/test_work_copies.py"
TAKEN = "book/test_work_copies_taken_over.py"

MUTANTS = [
    Mutant(
        "work copies: an empty cell at the end is an answer",
        SOURCES,
        "        if source.strip() and LINKS_TAG not in",
        "        if LINKS_TAG not in",
        f"{TESTS}::test_a_lesson_that_was_only_run_is_renewed_and_else_keeps_its_outputs",
    ),
    Mutant(
        "work copies: new links make a lesson newer",
        SOURCES,
        "LINKS_TAG not in (tags if isinstance(tags, list) else [])",
        '"link" not in (tags if isinstance(tags, list) else [])',
        f"{TESTS}::test_generated_links_are_no_change_of_a_lesson",
    ),
    Mutant(
        "work copies: an answered notebook is renewed",
        COPIES,
        "        elif not mine.holds_answers(edition):",
        "        elif mine.copied:",
        f"{TESTS}::test_answers_are_kept_and_a_newer_lesson_lies_beside_them",
    ),
    Mutant(
        "work copies: answers in the newer lesson are overwritten",
        COPIES,
        "        elif newer is not None and newer.holds_answers(edition):",
        "        elif newer is not None and not newer.copied:",
        f"{TESTS}::test_answers_in_the_newer_lesson_are_kept_too",
    ),
    Mutant(
        "work copies: a notebook is renewed at every start",
        COPIES,
        "if mine.sources != edition.sources or mine.copied.get",
        "if mine.copied or mine.copied.get",
        (
            f"{TESTS}::test_everything_is_copied_once_and_then_nothing_is_written",
            f"{TESTS}::test_a_lesson_that_was_only_run_is_renewed_and_else_keeps_its_outputs",
        ),
    ),
    Mutant(
        "work copies: a page that the reader wrote into is overwritten",
        COPIES,
        "if mine not in (None, published, self.pages.get(name)):",
        "if mine is not None and name not in self.pages:",
        f"{TESTS}::test_pages_are_renewed_unless_the_reader_wrote_into_them",
    ),
    Mutant(
        "work copies: an answered notebook goes with its lesson",
        COPIES,
        "            if mine.holds_answers():",
        "            if not mine.copied:",
        f"{TESTS}::test_a_lesson_that_the_book_no_longer_has_goes_unless_it_holds_answers",
    ),
    Mutant(
        "work copies: a reader's duplicate is removed",
        COPIES,
        'mine.copied.get("name") != name',
        'not mine.copied.get("name")',
        f"{TESTS}::test_the_readers_own_files_and_duplicates_are_left_alone",
    ),
    Mutant(
        "work copies: answers are taken over at every start",
        COPIES,
        "        self.taken[name] = sources\n",
        "",
        f"{TAKEN}::test_answers_in_chapters_are_taken_over_once",
    ),
    Mutant(
        "work copies: answers in chapters replace those in the copy",
        COPIES,
        "if there is None or was_taken or not there.holds_answers(edition):",
        "if there is None or target == name or not there.holds_answers(edition):",
        f"{TAKEN}::test_answers_in_chapters_never_replace_answers_in_the_copy",
    ),
    Mutant(
        "work copies: a text that waits for its build is an answer",
        COPIES,
        "if sources_of_notebook(committed) == sources_of_notebook(notebook):",
        "if committed == text:",
        f"{TAKEN}::test_an_authors_text_that_waits_for_its_build_is_no_answer",
    ),
    Mutant(
        "places: a file is written where it stands",
        "recsys_book/paths.py",
        "        os.replace(temporary, path)",
        "        path.write_bytes(content[:10])\n        os.replace(temporary, path)",
        f"{TESTS}::test_a_file_is_replaced_in_one_step",
    ),
    Mutant(
        "jupyter: the reader's own paths are dropped",
        "recsys_book/jupyter_lab.py",
        'inherited.get("JUPYTER_CONFIG_PATH", "")]',
        '""]',
        "book/test_jupyter_lab.py::test_the_news_question_is_answered_for_this_server_alone",
    ),
    Mutant(
        "jupyter: published notebooks are saved",
        "recsys_book/lab_contents.py",
        "        if is_published(path):\n            copy",
        "        if is_published(path) and not model:\n            copy",
        "book/test_jupyter_lab.py::test_the_server_writes_copies_and_no_published_notebook",
    ),
    Mutant(
        "links: labs stand in the row",
        "bookmaker/links.py",
        "    row = [path for path in texts if not is_lab(path) and not is_deeper(path)]",
        "    row = [path for path in texts if not is_deeper(path)]",
        "bookmaker/test_links.py::test_a_lab_leads_back_into_the_row_which_passes_it_by",
    ),
    Mutant(
        "links: the first lesson is everybody's previous one",
        "bookmaker/links.py",
        "_link(before[-1], text_path)",
        "_link(before[0], text_path)",
        "bookmaker/test_links.py::test_a_lesson_leads_to_its_neighbours_and_the_start_page",
    ),
    Mutant(
        "links: the link is written from the start page's folder",
        "bookmaker/links.py",
        'else f"../{target.parent.name}/"',
        'else f"{target.parent.name}/"',
        "bookmaker/test_links.py::test_a_lesson_leads_to_its_neighbours_and_the_start_page",
    ),
]
