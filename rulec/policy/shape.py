"""The keys of a policy file and what each may hold.

Pydantic walks the file and reports everything at once.  No key is required here:
whether one may be missing depends on others, and is for ``rulec.policy.rules``.
So a key that is wrong can be taken out and the rest still be checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError
from pydantic import WithJsonSchema as Documented
from pydantic_core import ErrorDetails

from rulec.diagnostics.suggest import suggestion
from rulec.policy import values
from rulec.policy.document import Document, Path, Problem, shown
from rulec.policy.model import (
    AddressRange,
    Dialect,
    Fragments,
    IcmpErrors,
    Loopback,
    Losses,
    Mode,
    PortRange,
    Role,
)

_PORT = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, {"type": "string"}]}
_TEXT = {"type": "string"}


def _some(item: dict[str, Any]) -> Documented:
    """In the JSON schema: one of it, or a list."""
    return Documented({"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]})


_listed = BeforeValidator(values.listed)
_range = PlainValidator(values.port_range)

Version = Annotated[Literal["1"], Documented({"enum": [1, "1"]})]
Switch = Annotated[Literal["true", "false"], Documented({"type": "boolean"})]
Range = Annotated[PortRange, _range, Documented(_TEXT)]
ServerPorts = Annotated[
    tuple[Annotated[PortRange, PlainValidator(values.port_range_or_any)], ...],
    _listed,
    AfterValidator(values.lone_any),
    _some(_PORT),
]
ClientPorts = Annotated[tuple[Annotated[PortRange, _range], ...], _listed, AfterValidator(values.merged), _some(_PORT)]
Hosts = Annotated[
    tuple[Annotated[AddressRange, PlainValidator(values.address_range)], ...],
    _listed,
    AfterValidator(values.merged_addresses),
    _some(_TEXT),
]
Protocols = Annotated[
    tuple[Literal["tcp", "udp", "icmp"], ...],
    _listed,
    AfterValidator(values.protocols),
    _some({"enum": ["tcp", "udp", "icmp"]}),
]
Families = Annotated[
    tuple[Literal["ipv4", "ipv6"], ...], _listed, AfterValidator(values.unlike), _some({"enum": ["ipv4", "ipv6"]})
]
Name = Annotated[str, PlainValidator(values.entry_name), Documented(_TEXT)]
Interface = Annotated[str, PlainValidator(values.interface), Documented({"type": "string", "maxLength": 15})]


def _dashed(name: str) -> str:
    return name.replace("_", "-")


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_dashed)


class EntryShape(_Shape):
    """One kind of flow that is to be untracked."""

    model_config = ConfigDict(json_schema_extra={"required": ["name", "role", "protocol"]})

    name: Name | None = Field(None, description="unique; stands in messages and in comments of the compiled ruleset")
    role: Role | None = Field(
        None, description="server: this host answers; client: this host asks; forward: this host routes"
    )
    protocol: Protocols | None = Field(None, description="tcp, udp, a list of both, or icmp (echo)")
    ports: ServerPorts | None = Field(None, description="the server's ports, whatever the role; or any")
    servers: Hosts | None = Field(None, description="who answers: addresses, prefixes or ranges first-last")
    clients: Hosts | None = Field(None, description="who asks: addresses, prefixes or ranges first-last")
    client_ports: ClientPorts | None = Field(None, description="the asking side's ports")
    interface: Interface | None = Field(None, description="where requests arrive")
    families: Families | None = Field(None, description="the families of the addresses, or else both")
    reserved: Switch | None = Field(None, description="true: no local program begins connections from these ports")
    loopback: Loopback | None = Field(None, description="whether looped packets stay tracked")
    icmp_errors: IcmpErrors | None = Field(None, description="which ICMP errors about the flows are let in")


Entries = Annotated[tuple[EntryShape, ...], BeforeValidator(values.not_empty)]


class FileShape(_Shape):
    """A policy file of rulec: which flows are to be left out of connection tracking."""

    model_config = ConfigDict(json_schema_extra={"required": ["version", "mode", "hot"]})

    version: Version | None = Field(None, description="the version of this format")
    mode: Mode | None = Field(None, description="notrack: untrack the hot flows; stateless: no tracking at all")
    losses: Losses = Field("refuse", description="stateless: what becomes of flows that cannot be kept")
    dialect: Dialect = Field("ct", description="-j CT --notrack, or -j NOTRACK for old kernels")
    fragments: Fragments = Field("reassemble", description="whether fragments go on being reassembled")
    ephemeral: Range = Field(
        (32768, 60999),
        description="the host's ip_local_port_range",
        json_schema_extra={"default": "32768-60999"},
    )
    icmp_errors: IcmpErrors = Field("exact", description="what entries have that do not say their own")
    loopback: Loopback = Field("tracked", description="what entries have that do not say their own")
    hot: Entries | None = Field(
        None, description="the flows that are to be untracked", json_schema_extra={"minItems": 1}
    )


def check(document: Document) -> tuple[FileShape, list[Problem]]:
    """The keys of a document that are right, and what is wrong with the others."""
    try:
        return FileShape.model_validate(document.data), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    problems = [_problem(detail, document) for detail in details]
    bad = {_owner(detail["loc"]) for detail in details}
    if () in bad:
        return FileShape.model_validate({}), problems
    return FileShape.model_validate(_without(document.data, bad)), problems


def _owner(path: Path) -> Path:
    """The key of the file or of an entry in which a place lies."""
    return path[:3] if path[:1] == ("hot",) else path[:1]


def _without(data: dict[str, Any], bad: set[Path]) -> dict[str, Any]:
    kept = {key: value for key, value in data.items() if (key,) not in bad}
    if "hot" in kept:
        kept["hot"] = [_entry_without(entry, ("hot", number), bad) for number, entry in enumerate(kept["hot"])]
    return kept


def _entry_without(entry: Any, path: Path, bad: set[Path]) -> dict[str, Any]:
    return {} if path in bad else {key: value for key, value in entry.items() if (*path, key) not in bad}


def _problem(detail: ErrorDetails, document: Document) -> Problem:
    path = detail["loc"]
    if detail["type"] == "extra_forbidden":
        return Problem(document.key(path), _unknown_key(path))
    if path and detail["input"] == "":
        item = isinstance(path[-1], int) and path in document.values
        return Problem(document.value(path), f"{_key(path)} has {'an empty item' if item else 'no value'}: fill it in")
    return Problem(document.value(path), _message(detail, path))


def _key(path: Path) -> str:
    """The key that a place belongs to."""
    return next((part for part in reversed(path) if isinstance(part, str)), "the policy")


def _message(detail: ErrorDetails, path: Path) -> str:
    key = _key(path)
    match detail["type"]:
        case "value_error":
            return f"{key}: {detail['ctx']['error']}"
        case "literal_error":
            return f"{key}: {_wrong_word(detail)}"
        case "tuple_type":
            return f"{key} must be a list of entries, each beginning with `- name:`"
        case "model_type" if path:
            return f"an entry of {key} must be a mapping with name, role and protocol"
        case "model_type":
            return "a policy must be a mapping with version, mode and hot"
    return f"{key}: {detail['msg']}"


def _wrong_word(detail: ErrorDetails) -> str:
    *most, last = known = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
    choice = f"{', '.join(most)} or {last}" if most else last
    if not isinstance(detail["input"], str):
        return f"this must be {choice}"
    return f"{shown(detail['input'])} must be {choice}{suggestion(detail['input'], known) if most else ''}"


def _keys(shape: type[BaseModel]) -> Iterator[str]:
    return map(_dashed, shape.model_fields)


def _unknown_key(path: Path) -> str:
    key = str(path[-1])
    here, there = (EntryShape, FileShape) if len(path) > 1 else (FileShape, EntryShape)
    if key in _keys(there):
        home = "to an entry of hot" if here is FileShape else "at the top"
        return f"{key} stands in the wrong place: it belongs {home}"
    return f"unknown key {shown(key)}{suggestion(key, _keys(here))}"


def schema() -> dict[str, Any]:
    """The JSON schema of a policy file, for editors."""
    made: dict[str, Any] = _plain(FileShape.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "rulec policy"} | made


def _plain(node: Any) -> Any:
    """A schema without what only pydantic says: generated titles, and null for keys that are left out."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    options = [option for option in node.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) < len(node.get("anyOf", ())):
        rest = {key: value for key, value in node.items() if key not in ("anyOf", "default")}
        node = rest | (options[0] if len(options) == 1 else {"anyOf": options})
    return {key: _plain(value) for key, value in node.items() if key != "title" or not isinstance(value, str)}
