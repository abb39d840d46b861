"""Monitor files about versions, outcomes and the guard, good and bad."""

from tests.schemas.monitor_files import HEAD, Bad

EVERYTHING = """\
risk: compliance
trained_at: 2012-12-31
comparison:
  tolerance: 0.05
  join_horizon: 45m
  expected_share: {v1: 0.7, v2: 0.2, v3: 0.1}
  latency_slo_ms: 150
  sender_share_max: 0.4
outcomes:
  click: {epsilon: 0.02, delay: 30m, label_horizon: 45d}
  paid: {type: binary, classes: ["no", "yes"], measure: accuracy}
  kind: {type: class, classes: [a, b, c], delay: 0}
  minutes: {type: numeric, tolerance: 15, measure: within_tolerance}
  plain: {measure: accuracy}
sequential:
  - {detector: adwin, signal: score, delta: 0.01}
  - {detector: page_hinkley, signal: errors, delta: 0, threshold: 20}
  - {detector: kswin, signal: click, alpha: 0.001}
guardrails:
  error_rate: {bound: 0.02}
  drift_rate: {bound: 0.3, action_on_breach: freeze_rollout}
  divergence_rate: {bound: 1, action_on_breach: page_owner}
alert_when: {importance_min: 0.5, kpi: click}
safe_path: {version: v0, standby: 3d}
promotion: {outcome_duration: 2d, latency_p95_ms_max: 120, disagreement_max: 0.1, segment_change_min: 0.01}
retrain: {every: 30d, after: 2d}
drills: {every: 1d, freeze: true}
actions:
  page_owner: {mode: armed}
  freeze_rollout: {expires_after: 2d}
  route_to_safe_path: {mode: armed, actuators: [edge, core]}
  resume_rollout: {mode: dry_run, expires_after: 1h, actuators: []}
  start_shadow: {mode: "off"}
  request_retrain: {expires_after: 3d}
"""

GUARD_GOOD = {
    "empty guard sections": HEAD
    + "comparison:\noutcomes: {}\nsequential: []\nguardrails: {}\nalert_when:\nsafe_path:\npromotion:\nretrain:\n"
    + "drills:\nactions:\n",
    "everything as it is anyway": HEAD
    + """\
risk: critical
comparison: {tolerance: 0.1, join_horizon: 1h, expected_share: {}, latency_slo_ms: 200, sender_share_max: 0.5}
outcomes: {click: {type: binary, epsilon: 0.01, delay: 10m}}
actions:
  page_owner: {mode: armed}
  freeze_rollout: {mode: armed, expires_after: 24h, actuators: []}
  route_to_safe_path: {mode: advise, expires_after: 10m}
  resume_rollout: {mode: off, expires_after: 1d}
""",
    "shares that add up to one in decimal": HEAD + "comparison: {expected_share: {a: 0.7, b: 0.2, c: 0.1}}\n",
    "a short lateness where nothing is joined": HEAD + "windows: {lateness: 0}\nsequential: []\n",
    "the horizon is the lateness": HEAD + "windows: {lateness: 2h}\ncomparison: {join_horizon: 2h}\n",
    "one detector on two signals": HEAD
    + "sequential: [{detector: adwin, signal: score}, {detector: adwin, signal: errors}]\n",
    "two detectors on one signal": HEAD
    + "sequential: [{detector: adwin, signal: score}, {detector: kswin, signal: score}]\n",
    "leap day": HEAD + "trained_at: 2024-02-29\n",
}


def _outcome(text: str) -> str:
    return HEAD + f"outcomes: {{click: {text}}}\n"


def _sequence(text: str) -> str:
    return HEAD + f"sequential: [{text}]\n"


GUARD_BAD = {
    "risk": Bad(HEAD + "risk: high\n", ("risk",), "critical, background, compliance"),
    "trained on no day": Bad(HEAD + "trained_at: 2013-02-30\n", ("trained_at",), "a date", visible=False),
    "trained at a time": Bad(HEAD + "trained_at: 2013-01-01T10:00:00Z\n", ("trained_at",), "such as 2026-03-31"),
    "trained in a number": Bad(HEAD + "trained_at: 20130101\n", ("trained_at",)),
    "importance": Bad(HEAD + "features: {a: {importance: -1}}\n", ("features.a.importance",), "0 to 1000"),
    "unknown guard keys": Bad(
        HEAD + "comparison: {horizon: 1h}\nguardrails: {latency: {bound: 1}}\nretrain: {every_ms: 1}\n",
        ("comparison.horizon", "guardrails.latency", "retrain.every_ms"),
        "unknown key",
    ),
    "tolerance of scores": Bad(HEAD + "comparison: {tolerance: -0.1}\n", ("comparison.tolerance",), "at least 0"),
    "horizon above lateness": Bad(
        HEAD + "comparison: {join_horizon: 2h}\n",
        ("comparison.join_horizon",),
        "is 7200s, expected no more than windows.lateness (3600s)",
        visible=False,
    ),
    "the usual horizon above lateness": Bad(
        HEAD + "windows: {lateness: 5m}\noutcomes: {click: {delay: 0}}\n", ("comparison.join_horizon",), visible=False
    ),
    "horizon above retention": Bad(
        HEAD + "windows: {lateness: 30d}\ncomparison: {join_horizon: 8d}\n",
        ("comparison.join_horizon",),
        "to 7d",
        visible=False,
    ),
    "more than all traffic": Bad(
        HEAD + "comparison: {expected_share: {a: 0.8, b: 0.3}}\n",
        ("comparison.expected_share",),
        "adds up to 1.1",
        visible=False,
    ),
    "a share of two": Bad(
        HEAD + "comparison: {expected_share: {a: 2}}\n", ("comparison.expected_share.a",), "from 0 to 1"
    ),
    "no slo": Bad(HEAD + "comparison: {latency_slo_ms: 0}\n", ("comparison.latency_slo_ms",), "a number above 0"),
    "sender share": Bad(HEAD + "comparison: {sender_share_max: 1.1}\n", ("comparison.sender_share_max",)),
    "outcome type": Bad(_outcome("{type: regression}"), ("outcomes.click.type",), "binary, class, numeric"),
    "an outcome called score": Bad(
        HEAD + "outcomes: {score: }\n", ("outcomes.score",), "expected another", visible=False
    ),
    "many outcomes": Bad(HEAD + "outcomes:\n" + "".join(f"  o{i}:\n" for i in range(11)), ("outcomes",), "at most 10"),
    "delay above horizon": Bad(
        _outcome("{delay: 61m}"), ("outcomes.click.delay",), "comparison.join_horizon (3600s)", visible=False
    ),
    "labels of an hour": Bad(
        _outcome("{label_horizon: 1h}"), ("outcomes.click.label_horizon",), "from 86400s", visible=False
    ),
    "labels no later than the join": Bad(
        HEAD + "windows: {lateness: 2d}\ncomparison: {join_horizon: 2d}\noutcomes: {a.b: {label_horizon: 2d}}\n",
        ("outcomes['a.b'].label_horizon",),
        "expected more than comparison.join_horizon (172800s)",
        visible=False,
    ),
    "epsilon": Bad(_outcome("{epsilon: 0.5}"), ("outcomes.click.epsilon",), "0 to 0.4"),
    "one class of two": Bad(_outcome("{classes: [yes]}"), ("outcomes.click.classes",), "[negative, positive]"),
    "three classes of two": Bad(_outcome("{classes: [a, b, c]}"), ("outcomes.click.classes",)),
    "no classes": Bad(_outcome("{type: class}"), ("outcomes.click.classes",), "required"),
    "an empty list of classes": Bad(_outcome("{type: class, classes: []}"), ("outcomes.click.classes",)),
    "other as a class": Bad(_outcome("{type: class, classes: [a, other]}"), ("outcomes.click.classes",), "not listed"),
    "classes of a number": Bad(
        _outcome("{type: numeric, tolerance: 1, classes: [a, b]}"), ("outcomes.click.classes",), "no classes"
    ),
    "no tolerance": Bad(_outcome("{type: numeric}"), ("outcomes.click.tolerance",), "required"),
    "tolerance of a class": Bad(_outcome("{type: class, classes: [a], tolerance: 1}"), ("outcomes.click.tolerance",)),
    "tolerance of a binary outcome": Bad(_outcome("{tolerance: 1}"), ("outcomes.click.tolerance",), "right or wrong"),
    "rate of a number": Bad(
        _outcome("{type: numeric, tolerance: 1, measure: accuracy}"),
        ("outcomes.click.measure",),
        "expected within_tolerance",
    ),
    "rate of a class": Bad(
        _outcome("{type: class, classes: [a], measure: positive_rate}"), ("outcomes.click.measure",), "accuracy"
    ),
    "tolerance as a binary measure": Bad(_outcome("{measure: within_tolerance}"), ("outcomes.click.measure",)),
    "no detector": Bad(_sequence("{signal: score}"), ("sequential[0].detector",), "required"),
    "no sequence": Bad(_sequence("{detector: adwin}"), ("sequential[0].signal",), "required"),
    "unknown sequence": Bad(
        HEAD + "outcomes: {click: }\nsequential: [{detector: adwin, signal: label}]\n",
        ("sequential[0].signal",),
        "score, errors, click",
        visible=False,
    ),
    "threshold of adwin": Bad(
        _sequence("{detector: adwin, signal: score, threshold: 1}"), ("sequential[0].threshold",), "expected delta"
    ),
    "alpha of adwin": Bad(_sequence("{detector: adwin, signal: score, alpha: 0.1}"), ("sequential[0].alpha",)),
    "alpha of page hinkley": Bad(
        _sequence("{detector: page_hinkley, signal: score, alpha: 0.1}"),
        ("sequential[0].alpha",),
        "delta and threshold",
    ),
    "delta of kswin": Bad(_sequence("{detector: kswin, signal: score, delta: 0.1}"), ("sequential[0].delta",), "alpha"),
    "threshold of kswin": Bad(
        _sequence("{detector: kswin, signal: score, threshold: 9}"), ("sequential[0].threshold",)
    ),
    "delta of adwin": Bad(_sequence("{detector: adwin, signal: score, delta: 1}"), ("sequential[0].delta",), "below 1"),
    "alpha of kswin": Bad(
        _sequence("{detector: kswin, signal: score, alpha: 1}"), ("sequential[0].alpha",), "above 0 and below 1"
    ),
    "no threshold": Bad(
        _sequence("{detector: page_hinkley, signal: score, threshold: 0}"), ("sequential[0].threshold",), "above 0"
    ),
    "one detector twice": Bad(
        _sequence("{detector: adwin, signal: score}, {detector: adwin, signal: score, delta: 0.1}"),
        ("sequential[1]",),
        "adwin on score twice",
        visible=False,
    ),
    "no bound": Bad(HEAD + "guardrails: {error_rate: }\n", ("guardrails.error_rate.bound",), "required"),
    "bound": Bad(HEAD + "guardrails: {drift_rate: {bound: 1.01}}\n", ("guardrails.drift_rate.bound",), "0 to 1"),
    "a guardrail's action": Bad(
        HEAD + "guardrails: {drift_rate: {bound: 1, action_on_breach: request_retrain}}\n",
        ("guardrails.drift_rate.action_on_breach",),
    ),
    "a guardrail that is off": Bad(
        HEAD + "guardrails: {error_rate: {bound: 0.1}}\nactions: {route_to_safe_path: {mode: off}}\n",
        ("guardrails.error_rate.action_on_breach",),
        "actions.route_to_safe_path is off",
        visible=False,
    ),
    "pairs without comparison": Bad(
        HEAD + "outcomes: {click: }\nguardrails: {divergence_rate: {bound: 0.1}}\n",
        ("guardrails.divergence_rate",),
        "needs comparison",
        visible=False,
    ),
    "kpi without outcomes": Bad(
        HEAD + "alert_when: {kpi: click}\n", ("alert_when.kpi",), "there are none", visible=False
    ),
    "unknown kpi": Bad(
        HEAD + "outcomes: {click: , paid: }\nalert_when: {kpi: score}\n",
        ("alert_when.kpi",),
        "click, paid",
        visible=False,
    ),
    "least importance": Bad(HEAD + "alert_when: {importance_min: -1}\n", ("alert_when.importance_min",)),
    "mode": Bad(HEAD + "actions: {start_shadow: {mode: on}}\n", ("actions.start_shadow.mode",), "off, dry_run"),
    "false is no mode": Bad(HEAD + "actions: {start_shadow: {mode: false}}\n", ("actions.start_shadow.mode",)),
    "a page expires": Bad(
        HEAD + "actions: {page_owner: {expires_after: 1h}}\n", ("actions.page_owner.expires_after",), "unknown key"
    ),
    "an actuator twice": Bad(
        HEAD + "actions: {freeze_rollout: {actuators: [a, a]}}\n",
        ("actions.freeze_rollout.actuators",),
        "each item once",
    ),
    "a compliance page that nobody gets": Bad(
        HEAD + "risk: compliance\nactions: {page_owner: {mode: advise}}\n",
        ("actions.page_owner.mode",),
        "expected armed",
        visible=False,
    ),
    "a drill that freezes nothing": Bad(
        HEAD + "drills: {freeze: true}\nactions: {freeze_rollout: {mode: off}}\n",
        ("drills.freeze",),
        "freeze_rollout is off",
        visible=False,
    ),
    "safe path": Bad(HEAD + "safe_path: {version: 7}\n", ("safe_path.version",), "put quotes around it"),
    "standby": Bad(HEAD + "safe_path: {standby: 0}\n", ("safe_path.standby",)),
    "promotion": Bad(
        HEAD + "promotion: {latency_p95_ms_max: 0, disagreement_max: 2, segment_change_min: -2, outcome_duration: 0}\n",
        tuple(
            f"promotion.{name}"
            for name in ("outcome_duration", "latency_p95_ms_max", "disagreement_max", "segment_change_min")
        ),
    ),
    "retrain": Bad(HEAD + "retrain: {every: 0, after: never}\n", ("retrain.every", "retrain.after")),
    "drills": Bad(HEAD + "drills: {every: 0, freeze: 1}\n", ("drills.every", "drills.freeze")),
}
