"""`kedge watch`: what a line says."""

from dataclasses import replace

import pytest

from kedge.schemas.records import Action, Command
from tests.schemas.samples import SAMPLES
from tests.streams.cli.scripted import Deployment
from tests.streams.cli.support import call


@pytest.mark.parametrize(
    ("action", "source", "target", "said"),
    [
        (Action.ROUTE_TO_SAFE_PATH, "v2", "v1", "of fraud from v2 to v1, until"),
        (Action.ROUTE_TO_SAFE_PATH, "", "v1", "of fraud to v1, until"),
        (Action.FREEZE_ROLLOUT, "v2", "", "of fraud v2, until"),
        (Action.RESUME_ROLLOUT, "", "", "of fraud, until"),
    ],
)
def test_a_command_is_told_with_where_it_leads(action: Action, source: str, target: str, said: str) -> None:
    deployment, sample = Deployment(), SAMPLES["Command"]
    assert isinstance(sample, Command)
    command = replace(sample, model="fraud", action=action, from_version=source, target_version=target)
    deployment.put("control", "fraud", command)
    told = call("watch", "commands", "--from-beginning", "--max", 1, *deployment.options)
    assert (told.exit_code, said in told.stdout) == (0, True), told.output
