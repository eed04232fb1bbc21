"""Sales Layer as its documents and its public client have it: REST v2 and the connector API.

Nothing of it was seen on a real account.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from aiohttp import web
from typing_extensions import override

from uptimed.demo.personalities.playing import (
    HANGS,
    Call,
    Fault,
    Person,
    Personality,
    Reply,
    Visit,
    document,
)

NUMBERS: Mapping[int, str] = MappingProxyType(
    {
        1: "validation",
        2: "invalid connector code",
        3: "wrong unique key",
        4: "invalid codification key",
        5: "incorrect date of the last update",
        6: "the version of the API does not exist",
        7: "wrong output mode",
        8: "invalid compression type",
        9: "invalid private key",
        10: "service temporarily blocked",
        11: "service temporarily unavailable",
        12: "incorrect date-code",
        13: "date code expired",
        14: "updating data, try later",
    }
)
"""What the connector's error numbers mean."""

_API = "https://api2.saleslayer.com"


def _problem(status: int, title: str, detail: str) -> Reply:
    said = {"type": f"{_API}/errors/{title.lower()}", "title": title, "status": status}
    return Reply(
        status=status,
        body=json.dumps(said | {"detail": detail}),
        content_type="application/problem+json",
    )


_UNAUTHORIZED = _problem(401, "Unauthorized", "A valid API key is required.")
_FORBIDDEN = _problem(403, "Forbidden", "Not allowed.")
_READ = ("products", "products.instance")
_FAULTS: Mapping[str, Fault] = {
    "server_error": Fault(
        does="The REST API has an error.", answers=dict.fromkeys(_READ, Reply(status=500))
    ),
    "hangs": Fault(does="The REST API hangs.", answers=dict.fromkeys(_READ, HANGS)),
    "forbidden": Fault(does="The key may not read the catalogue."),
    "not_valid": Fault(does="The REST API does not take what is asked."),
    "path_gone": Fault(
        does="The list is somewhere else.", answers=dict.fromkeys(_READ, Reply(status=404))
    ),
    **{
        f"connector_error_{number}": Fault(
            does=f"The connector says {number}: {meaning}.",
            answers={
                "connector": Reply(
                    body=json.dumps({"error": number}), content_type="application/json"
                )
            },
        )
        for number, meaning in NUMBERS.items()
    },
}


class SalesLayer(Personality):
    """Sales Layer. A person's key is the account's; name and secret are a connector's."""

    title = "Sales Layer"
    presets: ClassVar[tuple[str, ...]] = ("saleslayer", "saleslayer-connector")
    faults: ClassVar[Mapping[str, Fault]] = MappingProxyType(_FAULTS)

    def __init__(
        self,
        cast: Sequence[Person] = (),
        *,
        prefix: str = "",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(cast, prefix=prefix, now=now)

    @override
    def forget(self) -> None:
        """Nobody is ever signed in."""

    @override
    def calls(self) -> Sequence[Call]:
        return (
            Call(id="products", path="/catalog/rest/Catalog/Products", respond=self._products),
            Call(id="products.instance", path="/rest/Catalog/Products", respond=self._products),
            Call(id="connector", path="/", respond=self._connector),
        )

    def _products(self, visit: Visit) -> web.Response:
        given = visit.headers.get("X-API-KEY", "")
        if not any(hmac.compare_digest(p.key.encode(), given.encode()) for p in self.people):
            return _UNAUTHORIZED.response()
        if self.on("forbidden"):
            return _FORBIDDEN.response()
        if self.on("not_valid"):
            return document({"validationFailures": {"$select": "unknown"}}, status=400)
        link = f"{_API}{visit.path}"
        return document({"@readLink": link, "value": [{"prod_ref": "A-1"}], "@count": 1})

    def _connector(self, visit: Visit) -> web.Response:
        person = self.person(visit.query.get("code", ""))
        if person is None:
            return _numbered(2)
        time_, unique = visit.query.get("time", ""), visit.query.get("unique", "")
        wanted = hashlib.sha256(f"{person.username}{person.secret}{time_}{unique}".encode())
        if not hmac.compare_digest(wanted.hexdigest(), visit.query.get("key256", "")):
            return _numbered(9)
        said = {"version": "1.18", "time": time_, "action": "update", "schema": {"fields": {}}}
        # With a mark of its byte order, as it may have.
        return web.Response(text="\ufeff" + json.dumps(said), content_type="application/json")


def _numbered(number: int) -> web.Response:
    return document({"error": number})
