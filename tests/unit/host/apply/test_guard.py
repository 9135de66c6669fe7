"""What the guard decides once, and how it compares."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rulec.host.apply import guard
from rulec.host.apply.guard import BACK, KEPT, decide, decided, tables


def test_nothing_is_decided_at_first(tmp_path: Path) -> None:
    assert decided(tmp_path) == ("", "")


def test_the_first_word_stays(tmp_path: Path) -> None:
    assert decide(tmp_path, BACK, "nobody came")
    assert not decide(tmp_path, KEPT)
    assert decided(tmp_path) == (BACK, "nobody came")
    assert os.listdir(tmp_path) == [guard.DECISION]


def test_of_two_processes_at_a_time_one_decides(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1]); import guard;"
        "sys.exit(not guard.decide(pathlib.Path(sys.argv[2]), sys.argv[3]))"
    )
    where = str(Path(guard.__file__).parent)
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        command = [sys.executable, "-I", "-c", script, where, str(folder)]
        with ThreadPoolExecutor() as pool:
            runs = list(pool.map(lambda word: subprocess.run([*command, word], check=False), (KEPT, BACK)))  # noqa: B023
        assert sorted(done.returncode for done in runs) == [0, 1]
        winner = KEPT if runs[0].returncode == 0 else BACK
        assert decided(folder)[0] == winner


def test_needs_nothing_but_pythons_own_library() -> None:
    names = "import ast, sys; tree = ast.parse(open(sys.argv[1]).read());"
    names += "print(*{a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names},"
    names += " *{n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)})"
    done = subprocess.run([sys.executable, "-c", names, guard.__file__], capture_output=True, text=True, check=True)
    assert {name.split(".")[0] for name in done.stdout.split()} <= sys.stdlib_module_names


def test_tables_are_compared_without_counters() -> None:
    raw = "# made at {0}\n*raw\n:PREROUTING ACCEPT [{0}:{0}]\n[{0}:9] -A PREROUTING -j ACCEPT\nCOMMIT\n"
    text = f"{raw}# end\n*nat\nCOMMIT\n"
    assert tables(text.format(1)) == tables(text.format(2))
    assert list(tables(text)) == ["raw", "nat"]
    assert tables(text) != tables(text.replace("-j ACCEPT", "-j DROP"))


def test_the_end_of_its_starter_before_it_begins_touches_nothing(tmp_path: Path) -> None:
    (tmp_path / guard.PLAN).write_text('{"steps": [], "forget": [], "pause": 0, "seconds": 9}')
    command = [sys.executable, "-I", "-S", guard.__file__, str(tmp_path)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout == '["ready"]\n'
    assert decided(tmp_path) == ("", "")


# ── the way back ──


def step(folder: Path, table: str, code: int = 0, saved: str = "") -> dict[str, object]:
    """A table whose way back is noted, and which is then what ``saved`` says."""
    note = f"cat > {folder}/{table}; echo {table} >> {folder}/notes; exit {code}"
    text = f"*{table}\nCOMMIT\n"
    return {
        "table": table, "undo": ["sh", "-c", note], "before": f"{table} as it was", "saved": text,
        "save": ["printf", saved or text],
    }  # fmt: skip


def went_back(folder: Path, steps: list[dict[str, object]], forget: tuple[str, ...] = ()) -> tuple[bool, list[str]]:
    """Whether it went well, and what was done, in order."""
    plan = {"steps": steps, "forget": forget, "pause": 0}
    went = guard.go_back(plan, range(len(steps)), lambda *event: note_pause(folder, *event))
    return went, (folder / "notes").read_text().split()


def note_pause(folder: Path, *event: object) -> None:
    if event[0] == "pause":
        with open(folder / "notes", "a") as notes:
            notes.write("pause\n")


def test_the_last_comes_first(tmp_path: Path) -> None:
    went, done = went_back(tmp_path, [step(tmp_path, name) for name in ("filter", "nat", "raw")])
    assert (went, done) == (True, ["raw", "nat", "filter"])
    assert (tmp_path / "nat").read_text() == "nat as it was"


def test_entries_go_first_and_flows_are_picked_up_before_the_old_filter(tmp_path: Path) -> None:
    steps = [step(tmp_path, name) for name in ("filter", "nat", "raw")]
    forget = (f"echo forget >> {tmp_path}/notes",)
    assert went_back(tmp_path, steps, forget) == (True, ["forget", "raw", "pause", "nat", "filter"])


def test_entries_stay_where_raw_was_not_touched(tmp_path: Path) -> None:
    forget = (f"echo forget >> {tmp_path}/notes",)
    assert went_back(tmp_path, [step(tmp_path, "filter")], forget) == (True, ["filter"])


def test_a_table_that_does_not_come_back_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "TRIES", 2)
    stuck = step(tmp_path, "raw", code=4, saved="*raw\n-A PREROUTING -j DROP\nCOMMIT\n")
    went, done = went_back(tmp_path, [step(tmp_path, "filter"), stuck])
    assert (went, done) == (False, ["raw", "raw", "filter"])


def test_it_is_looked_whether_the_old_rules_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "TRIES", 1)
    went, _ = went_back(tmp_path, [step(tmp_path, "raw", saved="*raw\n-A PREROUTING -j DROP\nCOMMIT\n")])
    assert not went


def test_a_folder_that_is_gone_does_not_stop_the_way_back(tmp_path: Path) -> None:
    """What is needed was read before anything was loaded."""
    (tmp_path / "run").mkdir()
    for name in ("text", "before", "saved"):
        (tmp_path / "run" / name).write_text("*raw\nCOMMIT\n")
    undo = f"cat > {tmp_path}/undone"
    plan = {
        "steps": [{
            "table": "raw", "load": ["true"], "text": f"{tmp_path}/run/text", "undo": ["sh", "-c", undo],
            "before": f"{tmp_path}/run/before", "saved": f"{tmp_path}/run/saved", "save": ["cat", f"{tmp_path}/undone"],
        }], "forget": [], "pause": 0, "seconds": 60,
    }  # fmt: skip
    (tmp_path / "run" / guard.PLAN).write_text(json.dumps(plan))
    command = [sys.executable, "-I", "-S", guard.__file__, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == '["ready"]\n'
        process.stdin.write("go")
        process.stdin.flush()
        while "waiting" not in process.stdout.readline():
            pass
        shutil.rmtree(tmp_path / "run")
        process.stdin.close()
        assert '["back"]' in process.stdout.read()
    assert (tmp_path / "undone").read_text() == "*raw\nCOMMIT\n"
