"""Starts Kafka as the apache/kafka image does: every KAFKA_SOME_NAME is the property some.name."""

import os
import subprocess
from pathlib import Path

PROPERTIES = Path("/tmp/server.properties")  # noqa: S108 - a container's own
CLUSTER = "5L6g3nShT-eMCtK--X86sw"
JVM = {"KAFKA_HEAP_OPTS"}
"""Variables that are no property."""


def main() -> None:
    """Format the storage the first time, and become Kafka."""
    said = {name: value for name, value in os.environ.items() if name.startswith("KAFKA_") and name not in JVM}
    lines = [f"{name.removeprefix('KAFKA_').lower().replace('_', '.')}={value}\n" for name, value in said.items()]
    PROPERTIES.write_text("".join(lines))
    java = ["java", *os.environ["KAFKA_HEAP_OPTS"].split(), "-XX:TieredStopAtLevel=1", "-cp", "/opt/kafka/libs/*"]
    format_ = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", CLUSTER, "-c", str(PROPERTIES)]
    subprocess.run([*java, *format_], check=True)
    os.execvp(java[0], [*java, "kafka.Kafka", str(PROPERTIES)])  # noqa: S606 - the same


if __name__ == "__main__":
    main()
