"""A process of its own: it loads rulesets where nobody else is, has all trials, and tells what came of them.

``python -m rulec.host.lab_worker`` takes a pickled Job from standard input and
writes what came of it to standard output: an Outcome for each trial, or a text
that says why there is none.  Only its own parent talks to it.
"""

from __future__ import annotations

import os
import pickle
import resource
import sys
from collections.abc import Sequence

from rulec.errors import RulecError
from rulec.host import lab_connections, lab_namespaces, lab_sets
from rulec.host.lab_here import Here
from rulec.host.lab_namespaces import Namespaces, inside
from rulec.host.lab_scenes import Job, Scene, scenes
from rulec.host.lab_sides import Net
from rulec.host.lab_there import There
from rulec.host.lab_trials import play
from rulec.host.trial import Outcome


def work(job: Job) -> list[Outcome]:
    """What came of each trial."""
    spaces = lab_namespaces.make()
    lab_namespaces.furnish(spaces, job.links)
    with inside(spaces.here):
        lab_namespaces.configure(f"route add {every} dev {job.outside}" for every in ("0.0.0.0/0", "::/0"))
        lab_sets.make(job.sets)
        for family, name, text in job.texts:
            lab_namespaces.load(text, family, job.backend, name)
    here, there = Here(spaces), There()
    found: dict[int, Outcome] = {}
    for scene in scenes(job.trials):
        found.update(_played(scene, spaces, here, there))
    return [found[number] for number in range(len(job.trials))]


def _played(scene: Scene, spaces: Namespaces, here: Here, there: There) -> dict[int, Outcome]:
    with inside(spaces.here):
        lab_namespaces.configure(scene.commands("replace"))
        lab_namespaces.wait_for_addresses(scene.late)
    for _ in (*here.seen(), *there.seen()):
        pass  # what is left of the scene before
    with inside(spaces.here):
        lab_connections.forget()
        found = play(scene, Net(here, there, scene.local))
        here.close()
        lab_namespaces.configure(scene.commands("del"))
    return found


def main(argv: Sequence[str]) -> int:
    """Do the one job of this process."""
    job = pickle.load(sys.stdin.buffer)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        answer: list[Outcome] | str = work(job)
    except RulecError as error:
        answer = str(error)
    pickle.dump(answer, sys.stdout.buffer)
    return 0


if __name__ == "__main__":
    code = main(sys.argv)
    sys.stdout.flush()
    os._exit(code)
