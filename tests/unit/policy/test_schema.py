"""The JSON schema says what the reader reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rulec.policy import schema
from rulec.policy.shape import EntryShape, FileShape
from tests.unit.policy.cases import TOP, WEB, policy, said


def definition(of: str) -> dict[str, Any]:
    found: dict[str, Any] = schema() if of == "FileShape" else schema()["$defs"][of]
    return found


def test_is_json() -> None:
    assert json.loads(json.dumps(schema())) == schema()


@pytest.mark.parametrize("shape", [FileShape, EntryShape])
def test_has_every_key(shape: type[FileShape] | type[EntryShape]) -> None:
    found = definition(shape.__name__)
    assert set(found["properties"]) == {name.replace("_", "-") for name in shape.model_fields}
    assert found["additionalProperties"] is False
    assert all(value["description"] for value in found["properties"].values())


@pytest.mark.parametrize(
    ("of", "keys"), [("FileShape", ["version", "mode", "hot"]), ("EntryShape", ["name", "role", "protocol"])]
)
def test_what_is_required(of: str, keys: list[str]) -> None:
    assert definition(of)["required"] == keys


def words() -> Iterator[tuple[str, str]]:
    """Each key whose words are listed, with each of them."""
    for of in ("FileShape", "EntryShape"):
        for key, value in definition(of)["properties"].items():
            yield from ((f"{of} {key}", word) for word in value.get("enum", []) if isinstance(word, str))


@pytest.mark.parametrize(("key", "word"), list(words()))
def test_every_listed_word_is_read(key: str, word: str) -> None:
    of, name = key.split()
    others = (
        {"name": "a", "role": "server", "protocol": "icmp"}
        if of == "EntryShape"
        else {"version": "1", "mode": "notrack"}
    )
    keys = {**others, name: f"'{word}'"}
    if of == "EntryShape":
        text = TOP + "  - {" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}\n"
    else:
        text = "".join(f"{key}: {value}\n" for key, value in keys.items()) + "hot:\n" + WEB
    assert not [message for message in said(text) if " must be " in message]


def test_defaults_are_those_of_the_reader() -> None:
    found = policy(TOP + WEB)
    stated = {
        key: value["default"] for key, value in definition("FileShape")["properties"].items() if "default" in value
    }
    low, high = found.ephemeral
    assert stated == {
        "losses": found.losses,
        "dialect": found.dialect,
        "fragments": found.fragments,
        "ephemeral": f"{low}-{high}",
        "icmp-errors": found.icmp_errors,
        "loopback": found.loopback,
    }


def test_no_null_and_no_made_up_titles() -> None:
    text = json.dumps(schema())
    assert '"null"' not in text
    assert text.count('"title"') == 1
