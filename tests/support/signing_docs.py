"""The test vector of docs/actuator.md, out of the published ones."""

import json

from tests.schemas.signing_vectors import PATH

__all__ = ["signing_vector_markdown"]

_TITLE = "a rollback in a drill: text beyond ASCII, two to escalate to, a runbook"


def signing_vector_markdown() -> str:
    """One command with its bytes, key and signature, as Python literals."""
    published = json.loads(PATH.read_text("utf-8"))
    [vector] = [vector for vector in published["vectors"] if vector["title"] == _TITLE]
    fields = [f"    {name!r}: {value!r}," for name, value in vector["fields"].items()]
    lines = [
        "```python",
        f"PUBLIC_KEY = {published['key']['public_key']!r}",
        "COMMAND = {  # in the order of Command.avsc",
        *fields,
        "}",
        "BYTES = (",
        *(f"    {part!r}" for part in vector["parts"].values()),
        ")",
        f"SIGNATURE = {vector['signature']!r}",
        "```",
    ]
    return "\n".join(lines).replace("'", '"') + "\n"
