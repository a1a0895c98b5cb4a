"""The command line, ``ftlearn COMMAND``; ``ftlearn --help`` lists the commands.

Exit codes: 0 done, 1 something that was run failed, 2 the command was used wrongly or a file is
missing, 130 stopped by Ctrl-C. Each subcommand is one function, which imports what it needs.
"""

import argparse
import json
import random
import subprocess
import sys

from . import settings, torch_setup
from .errors import OneSentence


def main(argv=None):
    arguments, options = parser().parse_known_args(argv)
    if options and arguments.handler is not lab:
        parser().error(f"unrecognized arguments: {' '.join(options)}")
    arguments.options = options
    try:
        return arguments.handler(arguments)
    except KeyboardInterrupt:
        print("\nftlearn: stopped", file=sys.stderr)
        return 130
    except (ValueError, OSError, ImportError, OneSentence) as error:
        print(f"ftlearn: {error}", file=sys.stderr)
        return 2


def parser():
    """The parser of the command line; each subcommand's function is its ``handler``."""
    top = argparse.ArgumentParser(
        prog="ftlearn", description="The Fine-Tuning Case Files: run the course and its report."
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = _command(commands, "doctor", doctor, "can this machine run every act?")
    command.add_argument("--json", action="store_true", help="print JSON")

    command = _command(commands, "fetch", fetch, "bring models and data into the cache")
    command.add_argument(
        "names", nargs="*", metavar="NAME", help="assets; all that the acts need when none"
    )
    command.add_argument("--from", dest="source", metavar="FOLDER", help="look in a folder first")

    summary = "fill a folder, on a stick for instance, that `fetch --from` takes without a network"
    command = _command(commands, "bundle", bundle, summary)
    command.add_argument("folder", metavar="FOLDER", help="made when absent; goes on when repeated")
    command.add_argument(
        "--wheels", action="store_true", help="the course's packages too, for machines like this"
    )

    command = _command(commands, "run", run, "execute notebooks into report/")
    command.add_argument("name", metavar="NAME", help="a notebook, its number, a case, or all")
    _add_pace(command)

    command = _command(commands, "train", train, "fine-tune a case's generalist and save it")
    command.add_argument("case", metavar="CASE", help="such as medical")
    command.add_argument("folder", metavar="FOLDER", help="a new folder for the specialist")
    _add_pace(command)

    summary = "run what data/evidence records of a case; goes on where it was stopped"
    command = _command(commands, "evidence", evidence, summary)
    command.add_argument("cases", nargs="*", metavar="CASE", help="all recorded cases when none")
    command.add_argument(
        "--check", action="store_true", help="run one recorded run again, at random, and compare"
    )

    command = _command(commands, "report", report, "write report/results.json and index.html")
    _add_pace(command)

    summary = "write the course as web pages: published notebooks, verdicts, documents"
    command = _command(commands, "site", site, summary)
    command.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="default: site/ in the project"
    )

    command = _command(commands, "build", build, "execute and publish notebooks/*.ipynb")
    command.add_argument("name", nargs="?", default="all", metavar="NAME", help="as for run")

    _command(commands, "bench", bench, "time the parts of the course on this machine")

    summary = "open JupyterLab on your own copies in my_work/; options are passed on to JupyterLab"
    _command(commands, "lab", lab, summary)
    return top


def _command(commands, name, handler, summary):
    command = commands.add_parser(name, help=summary, description=summary.capitalize())
    command.set_defaults(handler=handler)
    return command


def _add_pace(command):
    command.add_argument("--pace", choices=settings.PACES, help="default: FTLEARN_PACE, else full")


def doctor(arguments):
    """``ftlearn doctor``: 0 only where every act can run."""
    from . import doctor as examination

    found = examination.examine()
    if arguments.json:
        print(json.dumps(found, indent=1, default=vars))
    else:
        print(examination.as_text(found))
    return 0 if found["ok"] else 1


def fetch(arguments):
    """``ftlearn fetch``: what is there and intact is left alone."""
    from . import assets
    from .cases import needed_assets

    assets.fetch(arguments.names or needed_assets(), source=arguments.source)
    return 0


def bundle(arguments):
    """``ftlearn bundle``: what somebody else wrote into the folder is left alone."""
    from . import bundle as bundling

    bundling.make(arguments.folder, wheels=arguments.wheels)
    return 0


def run(arguments):
    """``ftlearn run``: every notebook is tried, even after one has failed."""
    from . import notebooks
    from . import report as reporting

    pace = settings.pace(arguments.pace)
    folder = notebooks.report_folder(pace)
    runs = [
        notebooks.execute(name, pace, folder, progress=_say)
        for name in notebooks.resolve(arguments.name)
    ]
    if reporting.has_results(folder):
        reporting.collect(folder)
    failed = [run.notebook for run in runs if not run.ok]
    if failed:
        print(f"ftlearn: {len(failed)} of {len(runs)} failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def train(arguments):
    """``ftlearn train``: the specialist's score on validation; a verdict is the notebooks' work."""
    from . import fine_tune, open_case
    from .specialists import new_folder
    from .training import estimate

    folder = new_folder(arguments.folder)
    case = open_case(arguments.case, pace=arguments.pace)
    _say(f"Training on {len(case.train):,} items takes {estimate(case)}.")
    specialist = fine_tune(case)
    best = max(row["validation_score"] for row in specialist.history)
    _say(f"Validation {case.metric} {best:.3f} after {specialist.seconds:.0f} s.")
    _say(f"Saved: {specialist.save(folder)}")
    return 0


def evidence(arguments):
    """``ftlearn evidence``: each finished run is kept at once; ``--check``: 1 on a difference."""
    from . import evidence as recording

    if arguments.check:
        chosen = random.choice(arguments.cases) if arguments.cases else None
        outside = recording.check(chosen, say=_say)
        _say("\n".join(outside) or "The record stands: every score falls inside its spread.")
        return 1 if outside else 0
    for name in arguments.cases or recording.recorded_cases():
        _say(f"Recorded: {recording.record(name, say=_say)}")
    return 0


def bench(arguments):
    """``ftlearn bench``: one benchmark after the other, each in a process of its own."""
    from . import notebooks

    scripts = sorted((notebooks.PROJECT / "benchmarks").glob("*.py"))
    environment = torch_setup.untouched_environment()
    return max(subprocess.call([sys.executable, str(s)], env=environment) for s in scripts)


def report(arguments):
    """``ftlearn report``: 1 when results are missing, break their contract or do not recompute."""
    from . import notebooks
    from . import report as reporting

    folder = notebooks.report_folder(settings.pace(arguments.pace))
    results = reporting.collect(folder)
    page = reporting.write_index(folder)
    print(reporting.scoreboard(results))
    print(f"\nReport: {page}")
    problems = [*reporting.left_out(folder).values(), *reporting.validate(results)]
    return _told([*problems, *reporting.recompute(results, folder)])


def site(arguments):
    """``ftlearn site``: 1 when a link of the pages leads nowhere."""
    from . import notebooks
    from . import site as publishing

    folder = arguments.folder or notebooks.PROJECT / "site"
    page = publishing.build(folder, say=_say)
    code = _told(publishing.check(page.parent))
    _say(f"Site: {page}")
    return code


def build(arguments):
    """``ftlearn build``: a notebook that did not run completely is not published."""
    from . import notebooks

    problems = []
    for name in notebooks.resolve(arguments.name):
        problems += notebooks.build(name, progress=_say)
    return _told(problems)


def lab(arguments):
    """``ftlearn lab``: the learner's copies are made once and never overwritten."""
    from . import notebooks

    folder = notebooks.PROJECT / "my_work"
    for line in notebooks.copy_for_learner(folder):
        print(line)
    # JupyterLab otherwise asks servers for announcements and for updates at every start.
    offline = (
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    )
    # The whole project is served: the notebooks' links lead to glossary and data cards.
    where = (
        f"--ServerApp.root_dir={notebooks.PROJECT}",
        f"--LabApp.default_url=/lab/tree/{folder.name}/00_start_here.ipynb",
    )
    command = [sys.executable, "-m", "jupyterlab", *offline, *where, *arguments.options]
    # Each kernel looks for itself how busy the machine is.
    return subprocess.call(command, cwd=folder, env=torch_setup.untouched_environment())


def _say(line):
    print(line, flush=True)


def _told(problems):
    """Tell what went wrong; the exit code."""
    for problem in problems:
        print(f"ftlearn: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
