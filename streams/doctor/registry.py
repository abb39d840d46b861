"""The schema registry: there, and with every schema that this release writes."""

from collections.abc import Iterator

from kedge.schemas.contracts import current
from kedge.schemas.errors import RegistryUnavailableError
from kedge.schemas.registry_http import RegistryHttp
from kedge.schemas.subjects import Subjects
from kedge.streams.doctor.finding import Finding, fail, ok

__all__ = ["registry"]


def registry(http: RegistryHttp | None) -> Iterator[Finding]:
    """Yield what is wrong with a registry's schemas, or that nothing is; None: none is configured."""
    if http is None:
        yield ok("registry", "none is configured: messages name their schema themselves")
        return
    subjects, records, amiss = Subjects(http), current(), 0
    try:
        for record in records:
            found = subjects.check(record)
            if found.problems:
                amiss += 1
                yield fail("registry", f"{found.subject}: {'; '.join(found.problems)}", "docs/registry.md")
    except RegistryUnavailableError as error:
        do = "see that it runs and can be reached from here: docs/disaster.md"
        yield fail("registry", str(error), do)
        return
    if not amiss:
        yield ok("registry", f"all {len(records)} schemas are there")
