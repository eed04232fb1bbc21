"""The configuration with the login flows that it names: neither knows the other."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from uptimed.config import ConfigError, Loaded, Mistake, load
from uptimed.core.flows import Flow


def load_with_flows(path: Path) -> Loaded:
    """Read the configuration at *path*, its login flows too. Raise ConfigError with every mistake.

    What reads flows is loaded once there is one to read: most commands need none.
    """
    return load(path, flows=_names(), flow_of=_flow_of)


def _names() -> tuple[str, ...]:
    presets = files("probes").joinpath("presets").iterdir()
    return tuple(sorted(p.name.removesuffix(".toml") for p in presets if p.name.endswith(".toml")))


def find(preset: str) -> Flow:
    """Return the flow of a preset or a file. Raise ConfigError where there is none such."""
    from probes.flowfile import find_flow

    known = _names()
    if preset not in known and not Path(preset).is_file():
        wanted = f"a file, or one of {', '.join(known)}"
        raise ConfigError([Mistake("--preset", "", repr(preset), wanted)])
    return find_flow(preset)


def bound(flow: Flow, settings: Mapping[str, str]) -> Flow:
    """Return *flow* with *settings*, or their defaults, put in."""
    from probes.flowfile import bind

    return bind(flow, settings)


def _flow_of(preset: str, settings: Mapping[str, str]) -> Flow:
    from probes.flowfile import find_flow

    return bound(find_flow(preset), settings)
