"""How a sandbox CRM speaks: its addresses, form fields, cookie and texts, as values.

Every system signs people in by its own addresses and words, and in the same few steps. With another
dialect the sandbox takes another system's part, so that a login flow can be tried on real sockets.
Only systems with a form are played, none that are signed in to with JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One system's addresses and words.

    An address is a path, with a query where the system tells its pages apart by one; of several
    that fit a request, the one with the most query is meant. *hidden* are further fields of the
    form, without which nothing that is sent is a sign-in. *rejected_to* is where a refused sign-in
    is redirected; where it is "", the form is shown again at once. *csrf* is "" for a system whose
    form has no token.
    """

    front: str = "/"
    form: str = "/login"
    sign_in: str = "/login"
    home: str = "/home"
    sign_out: str = "/logout"
    health: str = "/api/health"
    contacts: str = "/api/contacts"

    cookie: str = "sandbox_session"
    token_header: str = "X-Api-Key"
    username: str = "username"
    password: str = "password"
    csrf: str = "csrf_token"
    hidden: Mapping[str, str] = field(default_factory=dict)
    rejected_to: str = ""

    rejected: str = "Wrong user name or password."
    locked: str = "This account is locked. Ask your administrator."
    expired: str = "This form has expired. Load the page again."
    maintenance: str = "Down for maintenance. Back soon."
    no_database: str = "Error establishing a database connection"
    crash: str = (
        "Fatal error: Uncaught mysqli_sql_exception: Connection refused "
        "in /srv/sandbox/lib/database.php:41"
    )


SANDBOX = Dialect()
"""The sandbox's own."""
