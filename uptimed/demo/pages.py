"""The sandbox CRM's pages and the page of its switches, as HTML. Knows no request and no socket."""

from collections.abc import Mapping
from html import escape

from uptimed.demo.dialect import Dialect

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --paper: #f5f6f8; --card: #fff; --line: #d5dae1;
  --accent: #2f5d8a; --on: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --paper: #14181d; --card: #1e242b;
  --line: #38414c; --accent: #8fb8e0; --on: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--paper);
  font: 16px/1.5 system-ui, sans-serif; }
header, main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
header { display: flex; justify-content: space-between; align-items: baseline; }
a { color: var(--accent); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: 1.25rem; max-width: 26rem; }
label { display: block; margin-bottom: .75rem; }
input { display: block; width: 100%; padding: .5rem; font: inherit; }
button { padding: .5rem 1rem; font: inherit; cursor: pointer; }
.message { color: var(--on); font-weight: 600; }
table { border-collapse: collapse; background: var(--card); }
td, th { border: 1px solid var(--line); padding: .4rem .8rem; text-align: left; }
.switches { display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); }
.switches form { margin: 0; }
.switches button { width: 100%; height: 100%; min-height: 7rem; text-align: left; color: inherit;
  background: var(--card); border: 2px solid var(--line); border-radius: .5rem; }
.switches button strong { display: block; font-size: 1.2rem; }
.switches button.on { border-color: var(--on); }
.switches button.on em { color: var(--on); font-weight: 700; }
"""

CONTACTS = (
    {"id": 1, "name": "Harbour Bakery", "city": "Cartagena"},
    {"id": 2, "name": "Northern Looms", "city": "Tunja"},
    {"id": 3, "name": "Two Rivers Clinic", "city": "Honda"},
)
"""All the data that the sandbox has; made up."""


def _page(title: str, body: str, aside: str = "") -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><strong>Sandbox CRM</strong><span>{aside}</span></header>\n"
        f"<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def front(dialect: Dialect) -> str:
    """Return the public page."""
    return _page(
        "Sandbox CRM",
        "<h1>Customers, and nothing real</h1>\n"
        "<p>A small system to look at, and to break.</p>\n"
        f'<p><a href="{escape(dialect.form)}">Login</a></p>',
    )


def form(dialect: Dialect, *, csrf: str, message: str = "") -> str:
    """Return the form to sign in with; *csrf* is "" where it has no token."""
    hidden = dict(dialect.hidden) | ({dialect.csrf: csrf} if csrf else {})
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n'
        for name, value in hidden.items()
    )
    said = f'<p class="message" role="alert">{escape(message)}</p>\n' if message else ""
    return _page(
        "Login - Sandbox CRM",
        f'<h1>Login</h1>\n{said}<form class="card" method="post" '
        f'action="{escape(dialect.sign_in)}">\n{fields}'
        f'<label>User name <input name="{escape(dialect.username)}" autocomplete="username" '
        "required></label>\n"
        f'<label>Password <input type="password" name="{escape(dialect.password)}" '
        'autocomplete="current-password" required></label>\n'
        "<button>Sign in</button>\n</form>",
    )


def home(dialect: Dialect, username: str) -> str:
    """Return the page that only those see who are signed in."""
    rows = "".join(
        f"<tr><td>{escape(str(c['name']))}</td><td>{escape(str(c['city']))}</td></tr>\n"
        for c in CONTACTS
    )
    return _page(
        "Home - Sandbox CRM",
        f"<h1>Contacts</h1>\n<table>\n<tr><th>Name</th><th>City</th></tr>\n{rows}</table>",
        f'Signed in as <b id="user">{escape(username)}</b> - '
        f'<a href="{escape(dialect.sign_out)}">Sign out</a>',
    )


def notice(title: str, text: str) -> str:
    """Return a page that says one thing."""
    return _page(title, f"<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>")


def switches(title: str, state: Mapping[str, bool], does: Mapping[str, str], front_url: str) -> str:
    """Return the page with a big button for each switch of the system called *title*."""
    buttons = "".join(_button(switch, does[switch], on=on) for switch, on in state.items())
    link = f'<a href="{escape(front_url)}">{escape(front_url)}</a>'
    return _page(
        f"Switches - {title}",
        f'<h1>What shall break?</h1>\n<div class="switches">\n{buttons}</div>',
        link,
    )


def _button(switch: str, does: str, *, on: bool) -> str:
    turn = "off" if on else "on"
    return (
        f'<form method="post" action="/switches/{escape(switch)}/{turn}">'
        f'<button class="{"on" if on else "off"}" aria-pressed="{"true" if on else "false"}">'
        f"<strong>{escape(switch)}</strong> <em>{'broken' if on else 'well'}</em><br>"
        f"{escape(does)}</button></form>\n"
    )
