"""The configuration: TOML in, the values of `uptimed.core.settings` out, every mistake at once.

pydantic is met here and nowhere else.
"""

from uptimed.config.building import Loaded, load
from uptimed.config.calendars import calendar_warnings
from uptimed.config.contracts import load_contract, preset_names
from uptimed.config.explain import explain
from uptimed.config.mistakes import ConfigError, Mistake, Remark
from uptimed.config.reading import find_config
from uptimed.config.secrets import ConfiguredSecrets, remarks_on

__all__ = [
    "ConfigError",
    "ConfiguredSecrets",
    "Loaded",
    "Mistake",
    "Remark",
    "calendar_warnings",
    "explain",
    "find_config",
    "load",
    "load_contract",
    "preset_names",
    "remarks_on",
]
