"""What dashboards are made of: panels, variables, annotations and links.

In an expression `<all>`, `<model>`, `<stream>` and `<segment>` are the selectors of the dashboard's variables.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from grafana_foundation_sdk.builders import common as look
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common, dashboard, units
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

CONSOLE: Final = "http://localhost:8080"
"""Any worker's address; `?var-console=…` names another."""
RUNBOOKS: Final = "https://kedge.example.com/runbooks"
"""Where docs/runbooks is served; `?var-runbooks=…` names another place."""

SOURCE: Final = dashboard.DataSourceRef(type_val="prometheus", uid="kedge")
GREEN, YELLOW, RED, BLUE, GREY = "green", "yellow", "red", "blue", "text"
STATES: Final = {
    "WARMUP": GREY,
    "HEALTHY": GREEN,
    "SUSPECT": YELLOW,
    "DEGRADED_SENSING": "orange",
    "INCIDENT": RED,
    "AWAIT_ACK": "purple",
    "CONTAINED": BLUE,
    "COOLDOWN": BLUE,
    "HUMAN_HOLD": "purple",
    "FAILED_ACTION": RED,
}
VERDICTS: Final = {"INVALID": "purple", "INSUFFICIENT": GREY, "STABLE": GREEN, "WARNING": YELLOW, "DRIFTED": RED}
OPEN: Final = {"none": GREEN, "open": RED}

_ALL: Final = 'environment=~"$environment"'
_MODEL: Final = f'{_ALL}, model=~"$model"'
_STREAM: Final = f'{_MODEL}, version=~"$version", role=~"$role"'
SELECTORS: Final = {
    "<all>": _ALL,
    "<model>": _MODEL,
    "<stream>": _STREAM,
    "<segment>": f'{_STREAM}, segment=~"$segment"',
}

VARIABLES: Final[Mapping[str, tuple[str, str]]] = {
    "environment": ("label_values(kedge_partitions_all, environment)", "One Kafka cluster's Kedge."),
    "model": ("label_values(kedge_model_info{<all>}, model)", "Models that have a monitor."),
    "version": ("label_values(kedge_window_verdict{<model>}, version)", "The versions seen last."),
    "role": ("label_values(kedge_window_verdict{<model>}, role)", "PRIMARY serves, CANARY a part, SHADOW nobody."),
    "segment": ("label_values(kedge_segment_verdict{<model>}, segment)", "Segments that the monitor names."),
}
ANNOTATIONS: Final = (
    ("Incidents", RED, "sum by (model) (changes(kedge_incident_open{<model>}[$__interval])) > 0"),
    ("Commands", BLUE, "sum by (model, action) (increase(kedge_commands_total{<model>}[$__interval])) > 0"),
)
"""Name, colour, and when: an incident opened or ended, a command left."""

Query: TypeAlias = tuple[str, str]
"""Expression and legend."""
Panel: TypeAlias = timeseries.Panel | stat.Panel | statetimeline.Panel | table.Panel


def lines(title: str, about: str, unit: str, *queries: Query, bounds: Sequence[float] = (), width: int = 12) -> Panel:
    """Lines over time; `bounds`: where it becomes a warning, and an alarm. Gaps stay gaps."""
    panel = timeseries.Panel().title(title).description(about).unit(unit).datasource(SOURCE).span(width).height(8)
    legend = look.VizLegendOptions().show_legend(show_legend=True).placement(common.LegendPlacement.BOTTOM)
    panel = panel.fill_opacity(8).legend(legend.display_mode(common.LegendDisplayMode.LIST).calcs([]))
    panel = panel.tooltip(look.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    if bounds:
        style = look.GraphThresholdsStyleConfig().mode(common.GraphTresholdsStyleMode.DASHED)
        panel = panel.thresholds(_bounds(bounds)).thresholds_style(style)
    for target in _targets(queries):
        panel = panel.with_target(target)
    return panel


def number(  # noqa: PLR0913 - what one panel is
    title: str, about: str, unit: str, query: str, *, bounds: Sequence[float] = (), none: str = "none"
) -> Panel:
    """Return the newest value, large; `none` is what no data means."""
    panel = stat.Panel().title(title).description(about).unit(unit).datasource(SOURCE).span(4).height(4)
    return panel.no_value(none).thresholds(_bounds(bounds)).with_target(_query(query).instant())


def timeline(title: str, about: str, names: dict[str, str], *queries: Query, width: int = 12) -> Panel:
    """Return states over time; `names` by number, with their colours."""
    panel = statetimeline.Panel().title(title).description(about).unit(units.Number).datasource(SOURCE)
    panel = panel.span(width).height(8).mappings([_mapping(names)]).show_value(common.VisibilityMode.AUTO)
    for target in _targets(queries):
        panel = panel.with_target(target)
    return panel


def rows(title: str, about: str, *columns: tuple[str, str, str, dict[str, str]], width: int = 24) -> Panel:
    """Return one row a label set: each column is its name, its unit, its expression, and names of its numbers."""
    panel = table.Panel().title(title).description(about).unit(units.Number).datasource(SOURCE).span(width).height(8)
    names, hidden = {}, {"Time": True}
    for place, (name, unit, expression, of_number) in enumerate(columns):
        ref = chr(ord("A") + place)
        names[f"Value #{ref}"] = name
        panel = panel.with_target(_query(expression).instant().ref_id(ref).format(PromQueryFormat.TABLE))
        told = [dashboard.DynamicConfigValue(id_val="unit", value=unit)]
        told += [dashboard.DynamicConfigValue(id_val="mappings", value=[_mapping(of_number)])] if of_number else []
        panel = panel.override_by_name(name, told)
    links = [
        {"title": "Over time", "url": "/d/kedge-model?var-model=${__value.raw}"},
        {"title": "In the console", "url": "${console}/models/${__value.raw}"},
    ]
    panel = panel.override_by_name("model", [dashboard.DynamicConfigValue(id_val="links", value=links)])
    organized = {"excludeByName": hidden, "renameByName": names}
    panel = panel.with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
    return panel.with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=organized))


def _targets(queries: Sequence[Query]) -> Iterator[prometheus.Dataquery]:
    for place, (expression, legend) in enumerate(queries):
        yield _query(expression).range().legend_format(legend).ref_id(chr(ord("A") + place))


def selected(expression: str) -> str:
    """Return an expression with the variables' selectors in it."""
    for name, selector in SELECTORS.items():
        expression = expression.replace(name, selector)
    return expression


def _query(expression: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(selected(expression)).datasource(SOURCE)


def _bounds(bounds: Sequence[float]) -> build.ThresholdsConfig:
    colours = [GREEN, YELLOW, RED] if len(bounds) > 1 else [GREEN, RED]
    steps = [dashboard.Threshold(value=at, color=to) for at, to in zip((None, *bounds), colours, strict=False)]
    return build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)


def _mapping(names: dict[str, str]) -> dashboard.ValueMap:
    result = dashboard.ValueMappingResult
    found = {str(i): result(text=name, color=colour, index=i) for i, (name, colour) in enumerate(names.items())}
    return dashboard.ValueMap(options=found)


def board(title: str, about: str, variables: Sequence[str], *panels: Panel) -> dashboard.Dashboard:
    """Return a dashboard; its address is `kedge-` and its title."""
    made = build.Dashboard(title.capitalize()).uid(f"kedge-{title}").description(about).tags(["kedge"]).readonly()
    made = made.time("now-6h", "now").refresh("30s").tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    for name in variables:
        made = made.with_variable(_variable(name))
    for name, value in (("console", CONSOLE), ("runbooks", RUNBOOKS)):
        option = dashboard.VariableOption(selected=True, text=value, value=value)
        text = build.TextBoxVariable(name).default_value(value).current(option)
        made = made.with_variable(text.hide(dashboard.VariableHide.HIDE_VARIABLE))
    for link in (("Console", "${console}/"), ("Runbooks", "${runbooks}/README.md")):
        made = made.link(build.DashboardLink(link[0]).url(link[1]).target_blank(target_blank=True))
    others = build.DashboardLink("Kedge").type(dashboard.DashboardLinkType.DASHBOARDS).tags(["kedge"])
    made = made.link(others.as_dropdown(as_dropdown=True).include_vars(include_vars=True).keep_time(keep_time=True))
    for name, colour, expression in ANNOTATIONS if "model" in variables else ():
        note = build.AnnotationQuery().name(name).datasource(SOURCE).icon_color(colour).enable(enable=True)
        made = made.annotation(note.expr(selected(expression)))
    for panel in panels:
        made = made.with_panel(panel)
    return made.build()


def _variable(name: str) -> build.QueryVariable:
    query, about = VARIABLES[name]
    variable = build.QueryVariable(name).label(name).description(about).datasource(SOURCE).query(selected(query))
    variable = variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
    every = dashboard.VariableOption(selected=True, text="All", value="$__all")
    variable = variable.sort(dashboard.VariableSort.ALPHABETICAL_ASC).current(every)
    return variable.multi(multi=True).include_all(include_all=True).all_value(".*")
