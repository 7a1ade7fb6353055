"""The OpenAPI file of the OUTSCALE API, as it ships in the SDK: which calls there are, how each may be signed, and what
requests and answers look like."""

import json
from functools import cached_property
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS30Validator

from core.sandbox.refusals import BAD_TYPE, BAD_VALUE, MISSING, UNKNOWN_FIELD, RefusedError

_SDK = "osc-sdk-python"


class Spec:
    """The calls of one version of the OUTSCALE API."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas: dict[str, Any] = document["components"]["schemas"]
        self._paths: dict[str, Any] = document["paths"]
        self._validators: dict[str, Any] = {}
        self.version: str = document["info"]["version"]

    @cached_property
    def calls(self) -> list[str]:
        """The names of all calls."""
        return sorted(path.removeprefix("/") for path in self._paths)

    @cached_property
    def open_calls(self) -> frozenset[str]:
        """The calls that need no authentication."""
        return frozenset(name for name in self.calls if self._security(name) == [])

    @cached_property
    def password_calls(self) -> frozenset[str]:
        """The calls that may be made with email and password."""
        return frozenset(name for name in self.calls if any("BasicAuth" in one for one in self._security(name) or []))

    def check_request(self, call: str, body: dict[str, Any]) -> None:
        """Raises RefusedError, with the code OUTSCALE uses, when the body is not a request of this call."""
        problems = sorted(self._validator(f"{call}Request").iter_errors(body), key=_rank)
        if problems:
            raise _refusal(problems[0])

    def problems(self, schema: str, document: Any) -> list[str]:
        """What is wrong with a document by a schema of the file, such as `ReadAccountsResponse`; [] when nothing."""
        return [f"{one.json_path}: {one.message}" for one in self._validator(schema).iter_errors(document)]

    def _security(self, call: str) -> list[dict[str, Any]] | None:
        security: list[dict[str, Any]] | None = self._paths[f"/{call}"]["post"].get("security")
        return security

    def _validator(self, schema: str) -> Any:
        if schema not in self._validators:
            # The references inside are resolved against the whole document.
            root = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": self._schemas}}
            self._validators[schema] = OAS30Validator(root)
        return self._validators[schema]


def load_spec(folder: Path) -> Spec:
    """Read the file out of the SDK. Its YAML takes seconds to read, so a JSON copy is kept in `folder`, named by the
    SDK's version."""
    copy = folder / f"outscale-{version(_SDK)}.json"
    try:
        return Spec(json.loads(copy.read_text()))
    except (OSError, ValueError):
        pass
    source = files("osc_sdk_python").joinpath("resources/outscale.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    written = yaml.load(source, Loader=loader)  # noqa: S506 - both are the safe one # nosec B506
    document = _either_date(written)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = copy.with_suffix(".draft")
    draft.write_text(json.dumps(document, default=str))
    draft.replace(copy)
    return Spec(document)


def _either_date(node: Any) -> Any:
    """`oneOf` date-time or date: without checking formats both match, so that none would be right. The calls look at
    dates themselves, as each has a code of its own for a wrong one."""
    if isinstance(node, dict):
        return {("anyOf" if key == "oneOf" else key): _either_date(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_either_date(value) for value in node]
    return node


_ORDER = {"additionalProperties": 0, "required": 1}


def _rank(problem: Any) -> int:
    return _ORDER.get(str(problem.validator), 2)


def _refusal(problem: Any) -> RefusedError:
    field = problem.json_path.removeprefix("$.").removeprefix("$")
    if problem.validator == "additionalProperties":
        instance, schema = problem.instance, problem.schema
        known = schema.get("properties", {}) if isinstance(schema, dict) else {}
        unknown = ", ".join(sorted(set(instance) - set(known))) if isinstance(instance, dict) else field
        return RefusedError(UNKNOWN_FIELD, f"Unknown parameter: {unknown}.")
    if problem.validator == "required":
        return RefusedError(MISSING, f"Missing parameter: {problem.message.split(' ')[0]}.")
    if problem.validator == "type":
        return RefusedError(BAD_TYPE, f"The parameter {field} must be a {problem.validator_value}.")
    return RefusedError(BAD_VALUE, f"The value of the parameter {field} is not valid.")
