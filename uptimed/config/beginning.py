"""The text of a configuration to begin with: commented, complete, and ready to be changed."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from uptimed.core.flows import Flow, Health
from uptimed.core.targets import JsonWant

UNCHANGED = "CHANGE ME"
"""The value of a setting that nobody but the operator can know; `check` asks for it."""

_LINES_SHOWN = 2  # of a setting that has several

_HEAD = """\
# uptimed: what is watched, for whom, under which agreement.
# `uptimed check` explains every mistake in it, and says what would run.

[journal]
path = "uptimed.db"                # every look and letter, next to this file
{more}
[self_check]
# Is it them, or our own network? Two or more independent places that are always there.
# They are asked when something fails. Until you name them, a failure of your own line can
# only be guessed at.
references = []                    # such as ["https://one.example/", "tcp://192.0.2.1:53"]

[[clients]]
id = "{client}"
name = {client_name}
contract = {contract}            # `uptimed contracts list` shows those that ship
# language = "es"                  # es, en or ru; language and zone are the contract's
# timezone = "America/Bogota"
# recipients = ["it@client.example"]

[[clients.services]]
id = "{service}"
name = {service_name}
from = {today}                  # first local day of the agreement; earlier minutes do not count
"""

_FRONT = """
[[clients.services.probes]]
id = "front"
role = "reach"                     # users reach the system: when this fails, it is down
kind = "http"
url = {url}
timeout = "10s"
expect = {{ status = [200] }}      # add contains = "..." with a text that only a healthy page has

# A real login says more than any page: a login page that renders proves nothing.
# Begin with `uptimed init --preset NAME`, or see docs/logins.md.
# [[clients.services.probes]]
# id = "login"
# role = "login"
# kind = "login"
# preset = "form"
# base_url = {base_url}
# settings = {{ home_text = "Sign out" }}
# accounts = [{{ username = "probe1", password = {{ env = "UPTIMED_PROBE1" }} }}]
"""

_FUNCTION = """
# Is a function that users need there, and quick? A failing or slow one degrades the minute.
# [[clients.services.probes]]
# id = "search"
# role = "function"
# kind = "http"
# url = "{base_url}/..."
# slow_after = "3s"
# expect = {{ status = [200], contains = "..." }}
"""


CONTRACTS = {
    "datacrm": "datacrm",
    "vtiger": "datacrm",
    "saleslayer": "saleslayer",
    "suitecrm7": "suitecrm",
    "suitecrm8": "suitecrm",
    "yucrm": "yucrm",
    "espocrm": "itil-native",
}
"""The agreement that a system's vendor offers, by the beginning of the preset's name."""


def in_environment(name: str) -> str:
    """Return where a secret is kept that is handed over in the environment."""
    return f'{{ env = "UPTIMED_{name.upper()}" }}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a first configuration is made of.

    *flow* is the preset's, bound to its defaults. *secret* says where the secret of a name is
    kept, as TOML; *more* is text that follows the first section.
    """

    client: str
    client_name: str
    contract: str
    service: str
    url: str
    today: str
    flow: Flow | None = None
    secret: Callable[[str], str] = in_environment
    more: str = ""

    def text(self) -> str:
        """Return the TOML text."""
        head = _HEAD.format(
            client=self.client,
            client_name=quoted(self.client_name),
            contract=quoted(self.contract),
            service=self.service,
            service_name=quoted(urlsplit(self.url).hostname or self.service),
            today=self.today,
            more=self.more,
        )
        base_url = self.url.rstrip("/")
        if self.flow is None:
            return head + _FRONT.format(url=quoted(self.url), base_url=quoted(base_url))
        return head + "\n".join(_probes(self.flow, base_url, self.secret)) + "\n"


def _probes(flow: Flow, base_url: str, secret: Callable[[str], str]) -> Iterator[str]:
    yield ""
    yield f"# {flow.title}: what is looked at, and what could not be known of it."
    for sentence in (*flow.advice, *flow.unknown):
        yield f"# - {sentence}"
    yield ""
    yield from _reach(flow.health, base_url)
    yield ""
    yield from _login(flow, base_url, secret)
    yield _FUNCTION.format(base_url=base_url).rstrip("\n")


def _reach(health: Health | None, base_url: str) -> Iterator[str]:
    """Yield the reach probe: the system's own anonymous call, which asks its database."""
    yield "[[clients.services.probes]]"
    yield 'id = "health"'
    yield 'role = "reach"                     # users reach the system: when this fails, it is down'
    yield 'kind = "http"'
    if health is None:
        yield f"url = {quoted(base_url + '/')}"
        yield "expect = { status = [200] }        # it has no call of its own without an account"
        return
    yield f"url = {quoted(base_url + health.path)}"
    if health.method != "GET":
        yield f"method = {quoted(health.method)}"
    if health.headers:
        pairs = ", ".join(f"{quoted(k)} = {quoted(v)}" for k, v in health.headers.items())
        yield f"headers = {{ {pairs} }}"
    if health.body:
        yield f"body = {quoted(health.body)}"
    yield f"expect = {{ {', '.join(_expectations(health))} }}"


def _expectations(health: Health) -> Iterator[str]:
    ranges = [str(a) if a == b else quoted(f"{a}-{b}") for a, b in health.statuses]
    yield f"status = [{', '.join(ranges)}]"
    if health.contains:
        yield f"contains = [{', '.join(map(quoted, health.contains))}]"
    if health.not_contains:
        yield f"not_contains = [{', '.join(map(quoted, health.not_contains))}]"
    if health.json:
        yield f"json = [{', '.join(map(_json_want, health.json))}]"


def _json_want(want: JsonWant) -> str:
    value = "" if want.value is None else f", value = {json.dumps(want.value, ensure_ascii=False)}"
    return f"{{ pointer = {quoted(want.pointer)}, op = {quoted(want.op)}{value} }}"


def _login(flow: Flow, base_url: str, secret: Callable[[str], str]) -> Iterator[str]:
    interval = flow.min_interval or 1
    yield "[[clients.services.probes]]"
    yield 'id = "login"'
    yield 'role = "login"                     # reached, and nobody can log in: login failure'
    yield 'kind = "login"'
    yield f"preset = {quoted(flow.id)}"
    yield f"base_url = {quoted(base_url)}"
    yield f'interval = "{interval}m"                    # a session is kept and read from'
    if flow.login_every is None and flow.login:
        yield f'login_every = "{max(5, interval)}m"                 # a full login so often'
    yield 'timeout = "10s"                    # of the whole flow'
    yield "max_rejected_per_hour = 3          # tries with a refused password, never more"
    yield from _settings(flow)
    if flow.secrets:
        pairs = ", ".join(f"{name} = {secret(name)}" for name in flow.secrets)
        yield f"secrets = {{ {pairs} }}"
    yield "# Two accounts: one rejected is the account's fault, both rejected the system's."
    what = " and ".join(filter(None, (flow.about_username, flow.about_password)))
    yield f"# An account is {what}. Secrets never stand in this file."
    yield "accounts = ["
    for name in ("probe1", "probe2"):
        yield f'  {{ username = "{name}", password = {secret(name)} }},'
    yield "]"


def _settings(flow: Flow) -> Iterator[str]:
    """Yield the settings: those that must be set, and as comments those that may be."""
    missing = {name: s for name, s in flow.settings.items() if s.default is None}
    if missing:
        for name, setting in missing.items():
            yield f"# {name}: {setting.about}"
        pairs = ", ".join(f"{name} = {quoted(UNCHANGED)}" for name in missing)
        yield f"settings = {{ {pairs} }}"
    others = {name: s for name, s in flow.settings.items() if s.default is not None}
    if others:
        yield "# What else may be set in `settings` (see docs/logins.md), and what it is now:"
    for name, setting in others.items():
        yield f"#   {name} = {_as_it_is(setting.default or '')}: {setting.about}"


def _as_it_is(default: str) -> str:
    """Return a setting's default as the file would have it, of several lines the first ones."""
    lines = [line.strip() for line in default.splitlines() if line.strip()]
    if len(lines) <= 1:
        return quoted("".join(lines))
    more = ", ..." if len(lines) > _LINES_SHOWN else ""
    return f"[{', '.join(map(quoted, lines[:_LINES_SHOWN]))}{more}]"


def quoted(text: str) -> str:
    """Return *text* as a TOML string on one line."""
    clean = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", " ", text)
    for raw, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        clean = clean.replace(raw, escaped)
    return f'"{clean}"'
