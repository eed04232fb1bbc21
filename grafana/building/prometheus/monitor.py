"""Who watches the watchman."""

from grafana.building.colours import GREEN, NO_IS_GOOD, NONE_IS_GOOD, RED, YELLOW, YES_IS_GOOD
from grafana.building.prometheus.asking import MONITOR, MONITORS, quantile
from grafana.building.prometheus.dialect import PROMQL
from grafana.building.shapes import Ask, Dashboard, Panel, Row

THE_MONITOR = Dashboard(
    uid="uptimed-monitor",
    title="uptimed: the monitor itself",
    about="Whether the monitor can be trusted: who watches the watchman.",
    span="now-6h",
    dialect=PROMQL,
    variables=(MONITORS,),
    panels=(
        Panel(
            title="Well", kind="stat", width=4, height=4, words=YES_IS_GOOD,
            about="Whether it trusts itself: the journal takes what is kept, the event loop is not"
            " held up, the clock is right.",
            asks=[Ask(expr=f"uptimed_healthy{{{MONITOR}}}", legend="{{instance}}")],
        ),
        Panel(
            title="Journal", kind="stat", width=4, height=4, words=YES_IS_GOOD,
            about="Whether the journal can be written.",
            asks=[Ask(expr=f"uptimed_store_up{{{MONITOR}}}", legend="{{instance}}")],
        ),
        Panel(
            title="References failed", kind="stat", width=4, height=4, words=NO_IS_GOOD,
            about="Whether no reference answers: then our own network is out.",
            asks=[Ask(expr=f"uptimed_references_failed{{{MONITOR}}}", legend="{{instance}}")],
        ),
        Panel(
            title="Configuration accepted", kind="stat", width=4, height=4, words=YES_IS_GOOD,
            about="Whether the last configuration that was read could be used.",
            asks=[
                Ask(expr=f"uptimed_config_last_reload_successful{{{MONITOR}}}",
                    legend="{{instance}}"),
            ],
        ),
        Panel(
            title="Bugs", kind="stat", width=4, height=4, steps=NONE_IS_GOOD,
            about="Exceptions that nobody expected, since the start. The log has their traceback.",
            asks=[Ask(expr=f"uptimed_bugs_total{{{MONITOR}}}", legend="{{instance}}")],
        ),
        Panel(
            title="Oldest last letter", kind="stat", width=4, height=4, unit="s",
            steps=((None, GREEN), (180.0, YELLOW), (300.0, RED)),
            about="How long ago the last letter of the service that waits longest was settled.",
            asks=[
                Ask(expr="time() - min by (instance)"
                    f" (uptimed_service_last_settled_timestamp_seconds{{{MONITOR}}})",
                    legend="{{instance}}"),
            ],
        ),
        Panel(
            title="How late looks begin", kind="timeseries", width=12, unit="s", low=0,
            about="Looks are planned to the second. Those too late for their minute are left out.",
            asks=[
                Ask(expr=quantile(0.5, "uptimed_schedule_lag_seconds"), legend="half within"),
                Ask(expr=quantile(0.99, "uptimed_schedule_lag_seconds"), legend="99 % within"),
                Ask(expr=f"uptimed_event_loop_lag_seconds{{{MONITOR}}}",
                    legend="event loop {{instance}}"),
            ],
        ),
        Panel(
            title="How long attempts take", kind="timeseries", width=12, unit="s", low=0,
            about="By kind of probe, over all targets.",
            asks=[
                Ask(expr=quantile(0.5, "uptimed_look_duration_seconds", "kind"),
                    legend="{{kind}} half within"),
                Ask(expr=quantile(0.99, "uptimed_look_duration_seconds", "kind"),
                    legend="{{kind}} 99 % within"),
            ],
        ),
        Panel(
            title="Attempts", kind="timeseries", width=12, unit="cpm", low=0, stacked=True,
            about="Attempts a minute by outcome: whether it looks at all.",
            asks=[
                Ask(expr="sum by (outcome)"
                    f" (rate(uptimed_probe_attempts_total{{{MONITOR}}}[$__rate_interval])) * 60",
                    legend="{{outcome}}"),
            ],
        ),
        Panel(
            title="Services not measured", kind="timeseries", width=12, unit="short", low=0,
            about="How many services were not measured in their last minute: our faults.",
            asks=[
                Ask(expr="sum by (instance)"
                    f' (uptimed_service_state{{{MONITOR},state="not_measured"}})',
                    legend="{{instance}}"),
            ],
        ),
        Row(title="What is kept and sent on"),
        Panel(
            title="Attempts that wait for the journal", kind="timeseries", width=8, low=0,
            about="Memory bridges ten minutes of a disk that takes none; then they are lost.",
            asks=[
                Ask(expr=f"uptimed_store_backlog_attempts{{{MONITOR}}}",
                    legend="{{instance}} wait"),
                Ask(expr=f"uptimed_store_lost_attempts_total{{{MONITOR}}}",
                    legend="{{instance}} lost since the start"),
            ],
        ),
        Panel(
            title="How far followers are behind", kind="timeseries", width=8, unit="s", low=0,
            about="The age of the oldest entry that a follower lacks. Nothing is lost meanwhile.",
            asks=[Ask(expr=f"uptimed_follower_lag_seconds{{{MONITOR}}}", legend="{{follower}}")],
        ),
        Panel(
            title="Entries that followers lack", kind="timeseries", width=8, low=0,
            about="How much is still to be sent.",
            asks=[Ask(expr=f"uptimed_follower_backlog{{{MONITOR}}}", legend="{{follower}}")],
        ),
        Row(title="The host"),
        Panel(
            title="Clock", kind="timeseries", width=8, unit="s",
            about="The references' clocks less this host's. Above 2 s it is warned of, above 30 s"
            " looks are not measured.",
            asks=[Ask(expr=f"uptimed_clock_offset_seconds{{{MONITOR}}}", legend="{{instance}}")],
        ),
        Panel(
            title="A scrape takes", kind="timeseries", width=8, unit="s", low=0,
            about="How long the metrics page takes.",
            asks=[Ask(expr=f'scrape_duration_seconds{{{MONITOR},job="uptimed"}}',
                      legend="{{instance}}")],
        ),
        Panel(
            title="Versions", kind="table", width=8,
            about="What runs where, since when, under a configuration of when.",
            asks=[
                Ask(expr=f"max by (instance, version, vantage) (uptimed_build_info{{{MONITOR}}})",
                    table=True),
                Ask(expr=f"max by (instance) (uptimed_start_timestamp_seconds{{{MONITOR}}}) * 1000",
                    table=True),
                Ask(expr="max by (instance)"
                    f" (uptimed_config_loaded_timestamp_seconds{{{MONITOR}}}) * 1000", table=True),
            ],
            names={"instance": "Monitor", "vantage": "Vantage", "version": "Version",
                   "Value #B": "Started", "Value #C": "Configured"},
            units={"Started": "dateTimeAsIso", "Configured": "dateTimeAsIso"},
            hidden=("Value #A",),
        ),
    ),
)  # fmt: skip
