"""The systems that the sandbox can play, by name. `Stage` serves one of them.

async with Stage("127.0.0.1", 0, 0, play=PERSONALITIES["vtiger"]()) as stage:
    await stage.turn("session_dir_gone", on=True)
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar

from uptimed.demo.personalities.espocrm import EspoCrm
from uptimed.demo.personalities.playing import Person, Personality, people
from uptimed.demo.personalities.saleslayer import SalesLayer
from uptimed.demo.personalities.suitecrm7 import SuiteCrm7
from uptimed.demo.personalities.suitecrm8 import SuiteCrm8
from uptimed.demo.personalities.vtiger import Vtiger
from uptimed.demo.personalities.yucrm import YuCrm

__all__ = ["PERSONALITIES", "Person", "Personality", "people"]

DATACRM_PREFIX = "/datacrm/sandbox"


class DataCrm(Vtiger):
    """DataCRM: vtiger below a tenant's path. That it speaks Spanish like this is a guess."""

    title = "DataCRM"
    presets: ClassVar[tuple[str, ...]] = ("datacrm", "datacrm-webservice")


def _datacrm() -> DataCrm:
    return DataCrm(prefix=DATACRM_PREFIX, rejected="Usuario o contraseña no válidos")


PERSONALITIES: Mapping[str, Callable[[], Personality]] = MappingProxyType(
    {
        "datacrm": _datacrm,
        "espocrm": EspoCrm,
        "saleslayer": SalesLayer,
        "suitecrm7": SuiteCrm7,
        "suitecrm8": SuiteCrm8,
        "vtiger": Vtiger,
        "yucrm": YuCrm,
    }
)
"""What makes each of them: two people, `probe1` and `probe2`, who can sign in."""
