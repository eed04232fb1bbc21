"""YUcrm's API as public clients use it: one list, with the token in the address.

Nothing of it was seen on a real tenant, and no client tells what a token gets that is not good: the
status of that is whatever it is told to be.
"""

import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar
from urllib.parse import unquote

from aiohttp import web
from typing_extensions import override

from uptimed.demo.personalities.playing import (
    EVERY,
    HANGS,
    Call,
    Fault,
    Person,
    Personality,
    Reply,
    Visit,
    document,
    page,
)

_FAULTS: Mapping[str, Fault] = {
    "server_error": Fault(does="The API has an error.", answers={"list": Reply(status=500)}),
    "no_list": Fault(
        does="The answer has no list in it.",
        answers={"list": Reply(body='{"result":null}', content_type="application/json")},
    ),
    "hangs": Fault(does="Nothing is answered.", answers={EVERY: HANGS}),
}


class YuCrm(Personality):
    """YUcrm. A person's key is an API token; a bad one gets *refusal* and *said*."""

    title = "YUcrm"
    presets: ClassVar[tuple[str, ...]] = ("yucrm",)
    faults: ClassVar[Mapping[str, Fault]] = MappingProxyType(_FAULTS)

    def __init__(
        self,
        cast: Sequence[Person] = (),
        *,
        prefix: str = "",
        refusal: int = 403,
        said: str = "",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._refusal, self._said = refusal, said
        super().__init__(cast, prefix=prefix, now=now)

    @override
    def forget(self) -> None:
        """Nobody is ever signed in."""

    @override
    def calls(self) -> Sequence[Call]:
        return (
            Call(id="front", path="/", respond=lambda _: page("YUcrm", "<p>YUcrm</p>")),
            Call(id="list", path="/api/v1/*", respond=self._list),
        )

    def _list(self, visit: Visit) -> web.Response:
        escaped, _, resource = visit.raw_path.removeprefix("/api/v1/").partition("/")
        token = unquote(escaped)
        if not any(hmac.compare_digest(p.key.encode(), token.encode()) for p in self.people):
            return web.Response(status=self._refusal, text=self._said)
        if resource != "employees/list":
            return web.Response(status=404)
        return document({"result": {"list": [{"id": 1}]}})
