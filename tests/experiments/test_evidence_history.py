"""What the history of the repository must show: declared first, measured then."""

import json
import subprocess

import pytest
from tiny_evidence import DECLARED

from experiments.engine import history, registry
from experiments.engine.repository import NoHistory

NAME = "small.guesses"
MARGIN = ('"sharp", "blurred", at=1.0)', '"sharp", "blurred", at=1.0, margin=3.0)')


@pytest.fixture
def repository(tmp_path):
    def git(*arguments):
        finished = subprocess.run(
            ["git", "-c", "user.name=n", "-c", "user.email=e", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    git("init", "-q")
    (tmp_path / "experiments" / "small").mkdir(parents=True)
    (tmp_path / "experiments" / "results").mkdir()
    (tmp_path / "README").write_text("one\n")
    git("add", "."), git("commit", "-qm", "start")
    return tmp_path, git


def commit(repository, *names, declared=None, record=None):
    """Commit the declaration with a comment, a record of some hash and number, or both."""
    root, git = repository
    if declared is not None:
        text = (DECLARED / "small" / "guesses.py").read_text(encoding="utf-8")
        (root / "experiments" / "small" / "guesses.py").write_text(text + f"# {declared}\n")
    if record is not None:
        sha, number = record
        manifest = {"declaration_sha256": sha, "record": number, "worlds": [100, 100 + number]}
        manifest |= {"table_sha256": f"{sha}{number}", "amendments": []}
        (root / f"experiments/results/{NAME}.json").write_text(json.dumps(manifest))
    git("add", "."), git("commit", "-qm", "step")


def of_history(repository):
    root = repository[0]
    return history.problems(root / "experiments", root / "experiments/results")


SHA = registry.load(NAME, DECLARED).sha256()


def test_declared_first_and_measured_then_is_well(repository):
    commit(repository, declared="one")
    commit(repository, record=(SHA, 1))
    commit(repository, record=(change(repository, "another margin", MARGIN), 2))
    commit(repository, declared="wording alone")
    assert of_history(repository) == []


def test_a_branch_of_which_only_the_work_came_over_is_seen(repository):
    _, git = repository
    main = git("branch", "--show-current").strip()
    git("switch", "-qc", "side")
    commit(repository, declared="one")
    commit(repository, record=(SHA, 1))
    git("switch", "-q", main)
    git("merge", "-q", "-s", "ours", "--no-ff", "-m", "beside", "side")
    git("checkout", "side", "--", "experiments")
    git("commit", "-qm", "declaration and record at once")
    assert of_history(repository) == []


def test_a_declaration_that_is_changed_after_its_results_is_found(repository):
    """That a declaration of this name was there before is not enough: it was another one."""
    commit(repository, declared="one")
    later = change(repository, "another margin", MARGIN)
    commit(repository, declared="taken back")
    commit(repository, record=(later, 1))
    change(repository, "another margin, now that it is known", MARGIN)
    (line,) = of_history(repository)
    assert "expected the declaration before its results, there was another" in line


def change(repository, subject, *changes):
    """Commit another declaration; returns its hash."""
    root, git = repository
    path = root / "experiments" / "small" / "guesses.py"
    text = (DECLARED / "small" / "guesses.py").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text)
    git("add", "."), git("commit", "-qm", subject)
    return registry.load(NAME, root / "experiments").sha256()


def test_a_declaration_that_comes_with_its_results_is_found(repository):
    commit(repository, declared="one", record=(SHA, 1))
    (line,) = of_history(repository)
    assert "expected the declaration before its results" in line and line.startswith(NAME)


def test_a_margin_moved_with_the_results_is_found(repository):
    commit(repository, declared="one")
    commit(repository, record=(SHA, 1))
    commit(repository, declared="two", record=("b", 2))
    (line,) = of_history(repository)
    assert "expected a commit of its own for the declaration" in line and "record 2" in line


@pytest.mark.parametrize(("place", "is_run"), [("experiments", False), ("elsewhere", True)])
def test_code_is_run_for_what_is_imported_from_elsewhere(repository, monkeypatch, place, is_run):
    """Not where the engine alone has got a folder; a helper of the same name may say otherwise."""
    commit(repository, declared="one")
    commit(repository, record=("a", 1))
    path = repository[0] / "experiments" / "small" / "guesses.py"
    path.write_text(path.read_text().replace("from experiments.engine", f"from {place}") + "# x\n")
    repository[1]("commit", "-qam", "moved")
    asked = []
    monkeypatch.setattr(history, "hashes", lambda *one: asked.append(one) or {NAME: "another"})
    assert len(of_history(repository)) == len(asked) == is_run


def test_a_confirmed_record_is_no_new_one(repository):
    commit(repository, declared="one")
    commit(repository, record=(SHA, 1))
    root = repository[0]
    path = root / f"experiments/results/{NAME}.json"
    path.write_text(path.read_text().replace("}", ', "code": 1}'))
    commit(repository, declared="wording")
    assert of_history(repository) == []


def test_without_a_history_nothing_can_be_said(tmp_path, repository):
    root, _ = repository
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{root}", clone], check=True)
    (clone / "experiments").mkdir()  # of which git keeps nothing as long as it is empty
    with pytest.raises(NoHistory, match="shallow clone"):
        history.problems(clone / "experiments", clone / "experiments/results")
    with pytest.raises(NoHistory, match="no git repository"):
        history.problems("/", DECLARED)


def test_the_history_of_this_repository():
    try:
        assert history.problems() == []
    except NoHistory as reason:
        pytest.skip(str(reason))


def test_the_records_of_this_repository():
    assert history.problems_of_records() == []
