"""Runs shellcheck on the shell steps of the GitHub and GitLab files: FOLDER SHELLCHECK."""

import pathlib
import subprocess
import sys

import yaml


class Loader(yaml.SafeLoader):
    """Reads GitLab's `!reference` as a script of its own, checked where it is written."""


Loader.add_constructor("!reference", lambda loader, node: None)


def steps(folder: pathlib.Path):
    """Yields the name and the text of each shell step."""
    for path in sorted(folder.glob("github-actions*/.github/**/*.yml")):
        document = yaml.load(path.read_text(), Loader)
        groups = [document["runs"]] if "runs" in document else document["jobs"].values()
        for step in (step for group in groups for step in group["steps"]):
            if "run" in step:
                yield f"{path}: {step['name']}", step["run"]
    path = folder / "gitlab-ci/.gitlab-ci.yml"
    for name, job in yaml.load(path.read_text(), Loader).items():
        for key in ("before_script", "script", "after_script"):
            lines = job.get(key, []) if isinstance(job, dict) else []
            if any(lines):
                yield f"{path}: {name}.{key}", "\n".join(line for line in lines if line)


def main() -> int:
    folder, shellcheck = pathlib.Path(sys.argv[1]), sys.argv[2]
    failed = checked = 0
    for name, text in steps(folder):
        # Variables come from the workflow's environment; a step of GitLab may use those of another step.
        command = [shellcheck, "--shell=bash", "--exclude=SC2154", "-"]
        done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
        checked += 1
        if done.returncode != 0:
            failed += 1
            print(f"{name}\n{done.stdout}", file=sys.stderr)
    print(f"shellcheck: {checked} steps, {failed} with reports")
    return 1 if failed or not checked else 0


sys.exit(main())
