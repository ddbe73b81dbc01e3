"""What stands beside the book for others: licences, citation, workflows, containers.

What cannot be run here (a hosted workflow, a container's build) is held to what can be checked: it
parses, its versions are those of the project, and its commands are those of the README.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

import recsys_lib
from recsys_book.reader.jupyter_lab import ARGUMENTS_VARIABLE

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def parse(name):
    return yaml.safe_load(read(name))


def jobs():
    return {
        f"{path.stem}.{name}": job
        for path in WORKFLOWS
        for name, job in parse(path.relative_to(ROOT))["jobs"].items()
    }


def shell_lines(job):
    return [line for step in job["steps"] for line in step.get("run", "").splitlines()]


def pythons():
    """The oldest and the newest minor version that the project supports."""
    allowed = SpecifierSet(PROJECT["requires-python"])
    minors = [minor for minor in range(8, 30) if f"3.{minor}.0" in allowed]
    return f"3.{minors[0]}", f"3.{minors[-1]}"


def test_licences_are_whole_and_named_in_the_metadata():
    assert "Apache License" in read("LICENSE") and "END OF TERMS AND CONDITIONS" in read("LICENSE")
    assert "Attribution 4.0 International Public License" in read("LICENSE-text")
    assert PROJECT["license"] == "Apache-2.0 AND CC-BY-4.0"
    for name in PROJECT["license-files"]:
        assert (ROOT / name).is_file()
    assert {"license", "authors", "keywords", "classifiers", "description"} <= set(PROJECT)
    said = {line.rsplit(" ", 1)[-1] for line in PROJECT["classifiers"] if ":: 3." in line}
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert said == {f"3.{minor}" for minor in range(8, 30) if f"3.{minor}.0" in allowed}


def test_the_citation_is_of_this_version():
    citation = parse("CITATION.cff")
    assert citation["version"] == recsys_lib.__version__
    assert {"cff-version", "title", "message", "authors", "license"} <= set(citation)
    assert citation["title"].split(":")[0] in read("README.md").splitlines()[0]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_what_a_runner_needs(path):
    workflow = parse(path.relative_to(ROOT))
    # YAML reads the key `on` as the truth value.
    assert workflow["name"] == path.stem and workflow[True]
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["runs-on"] and job["steps"] and job["timeout-minutes"] <= 120
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert "uses" not in step or re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"])


def test_workflows_run_three_systems_with_the_oldest_and_the_newest_python():
    systems = set()
    for name in ("test.make", "test.without-make"):
        job = jobs()[name]
        matrix = job["strategy"]["matrix"]
        assert tuple(matrix["python"]) == pythons()
        systems |= set(matrix.get("os", [job["runs-on"]]))
    assert systems == {"ubuntu-latest", "macos-latest", "windows-latest"}


def test_a_week_does_not_pass_without_everything_and_the_links():
    assert parse(".github/workflows/weekly.yml")[True]["schedule"]
    assert any("make test FULL=1 WEEKLY=1" in line for line in shell_lines(jobs()["weekly.full"]))
    links = jobs()["weekly.links"]["steps"]
    (arguments,) = (step["with"]["args"] for step in links if "lychee" in step.get("uses", ""))
    for name in ("README.md", "docs/*.md", "docs/contributing/*.md", "chapters/**/*.md"):
        assert name in arguments


@pytest.mark.parametrize("job", sorted(jobs()))
def test_workflows_run_the_commands_of_the_guides(job):
    guides = " ".join((read("README.md") + read("CONTRIBUTING.md")).replace("\\\n", " ").split())
    for line in shell_lines(jobs()[job]):
        for command in line.split(" && "):
            # Which interpreter make takes is the workflow's choice.
            assert command.removesuffix(" PYTHON=python") in guides, command


def container_commands():
    """The instructions of the Containerfile, continued lines joined."""
    joined = read("Containerfile").replace("\\\n", " ")
    lines = [" ".join(line.split()) for line in joined.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_the_container_is_of_a_supported_python_and_installs_the_lock():
    (base,) = (line for line in container_commands() if line.startswith("FROM "))
    version = re.fullmatch(r"FROM python:(3\.\d+)-slim", base)[1]
    assert f"{version}.0" in SpecifierSet(PROJECT["requires-python"])
    (install,) = (line for line in container_commands() if "pip install" in line)
    extras = re.search(r'-e "\.\[([\w,]+)\]" -c constraints\.txt', install)[1].split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])
    (command,) = (line for line in container_commands() if line.startswith("CMD "))
    words = json.loads(command.removeprefix("CMD "))
    assert words[0] == "python"
    # What both of its servers need stands where both look for it.
    (variable,) = (line for line in container_commands() if line.startswith("ENV "))
    name, _, value = variable.removeprefix("ENV ").partition("=")
    assert name == ARGUMENTS_VARIABLE
    assert json.loads(value).split() == ["--ip=0.0.0.0", "--no-browser", "--allow-root"]
    finished = subprocess.run(
        [sys.executable, *words[1:4], "--help"], capture_output=True, text=True, cwd=ROOT
    )
    assert finished.returncode == 0 and finished.stdout.startswith("usage:")


def test_a_container_is_given_no_environment_and_no_student_work():
    ignored = read(".containerignore").splitlines()
    assert read(".dockerignore") == read(".containerignore")
    assert {".git", ".venv", "build", "work"} <= set(ignored)


def test_the_development_container_is_built_from_the_same_file():
    content = json.loads(read(".devcontainer/devcontainer.json"))
    assert (ROOT / ".devcontainer" / content["build"]["dockerfile"]).resolve() == (
        ROOT / "Containerfile"
    )
    command = content["postCreateCommand"]
    assert command in read("CONTRIBUTING.md")
    assert content["workspaceFolder"] == "/book"
    assert "WORKDIR /book" in container_commands()


def test_binder_takes_a_python_that_it_can_read_and_installs_the_book():
    from rattler import MatchSpec

    specs = parse(".binder/environment.yml")["dependencies"]
    python = [MatchSpec(spec) for spec in specs if spec.startswith("python")]
    assert len(python) == 1 and re.fullmatch(r"python=3\.\d+", specs[0])
    assert f"{specs[0].split('=')[1]}.0" in SpecifierSet(PROJECT["requires-python"])
    script = ROOT / ".binder" / "postBuild"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    assert '-e ".[book]" -c constraints.txt' in read(".binder/postBuild")


def test_templates_ask_for_what_is_needed():
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    forms = [path for path in folder.glob("*.yml") if path.name != "config.yml"]
    assert len(forms) >= 2
    for path in forms:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert {"name", "description", "body"} <= set(form)
        asked = [part for part in form["body"] if part["type"] != "markdown"]
        assert any(part.get("validations", {}).get("required") for part in asked)
        identifiers = [part["id"] for part in asked]
        assert len(set(identifiers)) == len(identifiers)
    assert "make test" in read(".github/pull_request_template.md")


def test_the_security_page_speaks_of_grading():
    text = read("SECURITY.md")
    assert "make grade" in text and "docs/instructors.md" in text
