"""The demo's configuration, as the text of a TOML file that people may read and change.

It says where things are, and holds no secret: those of the sandbox are kept in files beside it,
whose names are here.
"""

from string import Template

CLIENT = "demo-sas"
SERVICE = "sandbox-crm"
SECRETS = "secrets"  # the folder beside the configuration that secrets are kept in
TOKEN = "token"

# Slow answers of the sandbox take 4 s: less than the timeout, so that slow is degraded, not down.
_TEXT = Template("""\
# What `uptimed demo` watches: a small CRM on this machine. Nothing here leaves it.

[journal]
path = $journal
made_up = true                     # every report drawn from it says so

[vantage]
name = $vantage

# There are no [self_check] references, since a sandbox has no network. In earnest, name two or
# more places that are always there: without them a fault of your own network looks like theirs.

[listen]
metrics = $listen

[operator]
name = "The demo's operator"

[[clients]]
id = "$client"
name = "Demo S.A.S."
contract = "datacrm"

[[clients.services]]
id = "$service"
name = "Sandbox CRM"
stage = "demo"
need = { reach = "all" }

[[clients.services.probes]]
id = "front"
role = "reach"
kind = "http"
url = "$url/"
timeout = "5s"
gap = "2s"
slow_after = "2s"
expect = { status = 200, contains = ["Sandbox CRM", "Login"] }

# A front page can look well while the database is gone. This one asks the database.
[[clients.services.probes]]
id = "health"
role = "reach"
kind = "http"
url = "$url/api/health"
timeout = "5s"
gap = "2s"
expect = { status = 200, json = [{ pointer = "/database", op = "==", value = "ok" }] }

[[clients.services.probes]]
id = "contacts"
role = "function"
kind = "http"
url = "$url/api/contacts?limit=1"
timeout = "5s"
gap = "2s"
headers = { X-Api-Key = $token }
expect = { status = 200, json = [{ pointer = "/contacts/0/name" }] }

# A form that renders proves little: this one signs in, reads a page that only those see who are in,
# keeps the session, and signs out in the end.
[[clients.services.probes]]
id = "login"
role = "login"
kind = "login"
preset = "form"
base_url = "$url"
timeout = "17s"                    # of the whole flow, which is several requests
gap = "2s"
login_every = "5m"
settings = { home_path = "/home", home_text = "/logout", blocked_text = "account is locked" }
# Two accounts: when one is rejected, it is the account; when both are, it is the system.
accounts = [
  { username = "probe1", password = $probe1 },
  { username = "probe2", password = $probe2 },
]
""")


def demo_config(*, url: str, journal_path: str, listen: str, vantage: str = "local") -> str:
    """Return the configuration.

    *url* is the sandbox's, without a slash at its end; *listen* is the host and port that metrics
    are served on.
    """
    return _TEXT.substitute(
        journal=_quoted(journal_path),
        vantage=_quoted(vantage),
        listen=_quoted(listen),
        url=url,
        client=CLIENT,
        service=SERVICE,
        token=in_file(TOKEN),
        probe1=in_file("probe1"),
        probe2=in_file("probe2"),
    )


def in_file(name: str) -> str:
    """Return where the secret of that name is kept, as TOML."""
    return f'{{ file = "{SECRETS}/{name}" }}'


def _quoted(text: str) -> str:
    """Return *text* as a string of TOML."""
    escaped = "".join(f"\\u{ord(c):04x}" if c in '"\\\x7f' or c < " " else c for c in text)
    return f'"{escaped}"'
