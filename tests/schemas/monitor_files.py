"""Monitor files, good and bad; of each bad one where it is wrong, and whether JSON Schema can tell."""

from dataclasses import dataclass

HEAD = "model: delay\nowner: ops\n"


@dataclass(frozen=True)
class Bad:
    """A file that is refused: the problems' paths, and whether JSON Schema refuses it too."""

    text: str
    paths: tuple[str, ...]
    said: str = ""
    visible: bool = True


GOOD = {
    "least": HEAD,
    "json": '{"model": "delay", "owner": "ops"}',
    "flow yaml": "{model: delay, owner: ops}",
    "everything": HEAD
    + """\
escalation: [lead, head]
runbook_url: https://example.com/runbook
features:
  distance:
    type: numeric
    missing_max: 0.01
    range: [0, 5000]
    cardinality_max: 500
    freshness_max: 1h
    critical: true
    importance: 2.5
    policy: {metric: ks, warn: 0.1, drift: 0.2}
  carrier:
    type: categorical
    allowed: [UA, B6, NO, 010]
    disclose: values
    policy: {drift: 0.3}
  hour:
  a.b: {disclose: counts}
signals:
  score: {policy: {warn: 0.05}}
  label: {enabled: false}
  confidence:
segments:
  origin: [JFK, LGA, EWR]
windows: {pane: 60, length: 10m, hop: 2m, grace: 0, lateness: 2h, idle_timeout: 90s}
policy:
  kind: fixed
  metric: psi
  warn: 1e-1
  drift: .25
  breaches: 3
  windows: 5
  n_eff_min: 100
  completeness_min: 0.9
design_effect: 3.5
volume: {min: 10, max: 1e4}
resolve_after: 4
""",
    "p values shrink": HEAD + "policy: {metric: g_p_value, warn: 0.05, drift: 0.001}\n",
    "categories by their own metric": HEAD
    + """\
policy: {metric: ks, warn: 0.1, drift: 0.2}
signals: {label: {policy: {metric: psi_debiased, warn: 0.1, drift: 0.2}}}
features: {carrier: {type: categorical, policy: {metric: psi_debiased, warn: 0.1, drift: 0.2}}}
""",
    "empty sections": HEAD + "features:\n  age:\nsignals: {}\nwindows:\npolicy:\nactions: {freeze_rollout: }\n",
    "a range of one value": HEAD + "features: {age: {range: [1, 1]}}\n",
    "whole as a float": HEAD + "resolve_after: 3.0\nwindows: {pane: 60.0}\n",
    "one bound": HEAD + "volume: {max: 10}\n",
}

BAD = {
    "nothing": Bad("", ("",), "a mapping"),
    "a list": Bad("- model", ("",), "a mapping"),
    "broken yaml": Bad("model: [", ("",), "line 1", visible=False),
    "two documents": Bad("model: a\n---\nmodel: b", ("",), "line 2", visible=False),
    "a key twice": Bad("model: a\nowner: b\nmodel: c", ("",), "'model' twice", visible=False),
    "a key twice in json": Bad('{"model": "a", "owner": "b", "owner": "c"}', ("",), "twice", visible=False),
    "a key of a key": Bad("? [a]\n: b", ("",), "not plain", visible=False),
    "a tag": Bad("model: !!python/name:os.system\nowner: b", ("",), "line 1", visible=False),
    "NaN in json": Bad('{"model": "a", "owner": "b", "design_effect": NaN}', ("",), "NaN", visible=False),
    "too deep": Bad("[" * 5_000, ("",), "", visible=False),
    "too deep in json": Bad('{"model":' * 50_000, ("",), "", visible=False),
    "too long": Bad("#" * 1_000_001, ("",), "longer", visible=False),
    "nothing required": Bad("{}", ("model", "owner"), "required"),
    "unknown keys": Bad(
        HEAD + "ownr: x\nfeatures: {age: {typ: numeric}}\npolicy: {kpi: x}\nactions: {page: 1}\n",
        ("ownr", "features.age.typ", "policy.kpi", "actions.page"),
        "unknown key",
    ),
    "empty name": Bad("model: ''\nowner: ops\n", ("model",)),
    "a number as a name": Bad("model: 7\nowner: ops\n", ("model",), "put quotes around it"),
    "long name": Bad(f"model: {'x' * 201}\nowner: ops\n", ("model",), "200 characters"),
    "no list": Bad(HEAD + "escalation: lead\n", ("escalation",), "a list"),
    "one twice": Bad(HEAD + "escalation: [lead, lead]\n", ("escalation",), "each item once"),
    "a hole in a list": Bad(HEAD + "escalation: [lead, ]\nfeatures: [a]\n", ("features",), "a mapping"),
    "a number in a list": Bad(HEAD + "escalation: [lead, 7]\n", ("escalation[1]",)),
    "address": Bad(HEAD + "runbook_url: example.com\n", ("runbook_url",), "http"),
    "blank address": Bad(HEAD + "runbook_url:\n", ("runbook_url",), "nothing given"),
    "feature type": Bad(HEAD + "features: {a: {type: text}}\n", ("features.a.type",), "numeric, categorical"),
    "share": Bad(HEAD + "features: {a: {missing_max: 1.5}}\n", ("features.a.missing_max",), "0 to 1"),
    "share as text": Bad(HEAD + "features: {a: {missing_max: '0.5'}}\n", ("features.a.missing_max",)),
    "true is no number": Bad(HEAD + "features: {a: {missing_max: true}}\n", ("features.a.missing_max",)),
    "infinity": Bad(HEAD + "design_effect: .inf\n", ("design_effect",)),
    "huge": Bad(HEAD + f"resolve_after: 1{'0' * 400}\n", ("resolve_after",)),
    "range upside down": Bad(HEAD + "features: {a: {range: [2, 1]}}\n", ("features.a.range",), visible=False),
    "range of three": Bad(HEAD + "features: {a: {range: [1, 2, 3]}}\n", ("features.a.range",)),
    "range of texts": Bad(HEAD + "features: {a: {range: [a, b]}}\n", ("features.a.range",)),
    "range of categories": Bad(HEAD + "features: {a: {type: categorical, range: [1, 2]}}\n", ("features.a.range",)),
    "values of a number": Bad(HEAD + "features: {a: {allowed: [x]}}\n", ("features.a.allowed",)),
    "no values": Bad(HEAD + "features: {a: {type: categorical, allowed: []}}\n", ("features.a.allowed",)),
    "cardinality": Bad(HEAD + "features: {a: {cardinality_max: 0}}\n", ("features.a.cardinality_max",)),
    "cardinality past the sketch": Bad(
        HEAD + "features: {a: {cardinality_max: 801}}\n", ("features.a.cardinality_max",), "1 to 800"
    ),
    "fraction": Bad(HEAD + "features: {a: {cardinality_max: 2.5}}\n", ("features.a.cardinality_max",)),
    "duration": Bad(HEAD + "features: {a: {freshness_max: 1w}}\n", ("features.a.freshness_max",), "90s, 5m"),
    "zero duration": Bad(HEAD + "windows: {pane: 0}\n", ("windows.pane",)),
    "negative duration": Bad(HEAD + "windows: {grace: -1}\n", ("windows.grace",)),
    "long duration": Bad(HEAD + "windows: {lateness: 400d}\n", ("windows.lateness",), "366d", visible=False),
    "critical": Bad(HEAD + "features: {a: {critical: yes}}\n", ("features.a.critical",), "true or false"),
    "disclose": Bad(HEAD + "features: {a: {disclose: all}}\n", ("features.a.disclose",), "counts, frequent, values"),
    "many features": Bad(
        HEAD + "features:\n" + "".join(f"  f{i}:\n" for i in range(1_001)), ("features",), "at most 1000"
    ),
    "a strange feature's path": Bad(HEAD + "features: {a.b: {type: x}}\n", ("features['a.b'].type",)),
    "a feature without a name": Bad(HEAD + "features: {'': {}}\n", ("features['']",)),
    "a metric of its own": Bad(HEAD + "features: {a: {policy: {metric: ks}}}\n", ("features.a.policy.metric",)),
    "unknown metric": Bad(HEAD + "policy: {metric: vibes, warn: 1, drift: 2}\n", ("policy.metric",)),
    "thresholds of another metric": Bad(
        HEAD + "policy: {metric: ks_p_value, warn: 0.05}\n", ("policy.metric",), "warn and drift beside it"
    ),
    "warn above drift": Bad(HEAD + "policy: {warn: 0.3}\n", ("policy.drift",), "more than warn", visible=False),
    "p values the wrong way": Bad(
        HEAD + "policy: {metric: g_p_value, warn: 0.01, drift: 0.05}\n", ("policy.drift",), "less than", visible=False
    ),
    "an override against the policy": Bad(
        HEAD + "features: {a: {policy: {warn: 0.2}}}\n", ("features.a.policy.drift",), visible=False
    ),
    "a signal's override": Bad(
        HEAD + "signals: {score: {policy: {drift: 0.1}}}\n", ("signals.score.policy.drift",), visible=False
    ),
    "ks of categories": Bad(
        HEAD + "policy: {metric: ks, warn: 0.1, drift: 0.2}\nfeatures: {c: {type: categorical}}\n",
        ("features.c.policy", "signals.label.policy"),
        "not known of categories",
        visible=False,
    ),
    "breaches": Bad(HEAD + "policy: {breaches: 4}\n", ("policy.breaches",), visible=False),
    "kind": Bad(HEAD + "policy: {kind: statistical}\n", ("policy.kind",), "fixed"),
    "negative threshold": Bad(HEAD + "policy: {warn: -1}\n", ("policy.warn",)),
    "unknown signal": Bad(HEAD + "signals: {kpi: {}}\n", ("signals.kpi",)),
    "a switch": Bad(HEAD + "signals: {score: false}\n", ("signals.score",), "a mapping"),
    "no segment values": Bad(HEAD + "segments: {origin: []}\n", ("segments.origin",)),
    "many segment values": Bad(HEAD + f"segments: {{o: [{','.join(f'v{i}' for i in range(21))}]}}\n", ("segments.o",)),
    "many segments": Bad(HEAD + "segments:\n" + "".join(f"  s{i}: [a]\n" for i in range(11)), ("segments",)),
    "a segment with =": Bad(HEAD + "segments: {a=b: [x]}\n", ("segments['a=b']",), "without ="),
    "other": Bad(HEAD + "segments: {origin: [JFK, other]}\n", ("segments.origin",), visible=False),
    "hop": Bad(HEAD + "windows: {hop: 90s}\n", ("windows.hop", "windows.length"), "a multiple", visible=False),
    "hop above length": Bad(HEAD + "windows: {hop: 10m}\n", ("windows.length",), visible=False),
    "design effect": Bad(HEAD + "design_effect: 0.5\n", ("design_effect",), "at least 1"),
    "no volume": Bad(HEAD + "volume: {}\n", ("volume.min",), visible=False),
    "volume upside down": Bad(HEAD + "volume: {min: 2, max: 1}\n", ("volume.min",), visible=False),
    "resolve": Bad(HEAD + "resolve_after: 0\n", ("resolve_after",)),
    "freeze": Bad(HEAD + "actions: {freeze_rollout: {expires_after: 0}}\n", ("actions.freeze_rollout.expires_after",)),
}
