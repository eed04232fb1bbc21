"""What the stored vocabularies are called in a report: causes, roles, classes, reasons.

A word that is not listed is shown as it is stored: an older report of newer software stays
readable.
"""

from collections.abc import Iterable, Mapping

from reports.language import Language, mark

CAUSES: Mapping[str, str] = {
    # No answer.
    "dns_no_name": mark("the name does not exist"),
    "dns_failed": mark("the name could not be resolved"),
    "refused": mark("connection refused"),
    "unreachable": mark("host unreachable"),
    "connect_timeout": mark("no connection in time"),
    "tls_untrusted": mark("certificate not trusted"),
    "tls_expired": mark("certificate expired"),
    "tls_name": mark("certificate for another name"),
    "tls_failed": mark("no encrypted connection"),
    "read_timeout": mark("no answer in time"),
    "reset": mark("connection broken off"),
    "protocol": mark("answer not understandable"),
    "too_many_redirects": mark("too many redirects"),
    "redirect_refused": mark("redirected to where it may not lead"),
    "proxy_failed": mark("the way through the proxy failed"),
    "body_coding": mark("answer cannot be decoded"),
    # An answer that is not what was wanted.
    "status": mark("error status in the answer"),
    "body": mark("unexpected content"),
    "broken": mark("error page"),
    "too_slow": mark("answer too slow"),
    "certificate": mark("certificate about to expire"),
    "record": mark("DNS record missing"),
    # Logins.
    "login_error": mark("the login failed with an error"),
    "login_rejected": mark("login rejected"),
    "login_blocked": mark("account blocked"),
    "login_waiting": mark("asked to wait before the next login"),
    "login_maintenance": mark("the login page announces maintenance"),
    "all_rejected": mark("every account was rejected"),
    # Ours.
    "local_dns": mark("our own name resolution failed"),
    "local_trust": mark("our own certificate store failed"),
    "local_network": mark("our own network failed"),
    "local_address": mark("no suitable address of our own"),
    "local_resources": mark("our own machine ran out of resources"),
    "local_secret": mark("our own access data could not be read"),
    "loop_lag": mark("our own machine was overloaded"),
    "clock_step": mark("our own clock was set"),
    "clock_off": mark("our own clock was wrong"),
    "store": mark("our own storage failed"),
    "bug": mark("a fault of our own program"),
    "stopped": mark("the monitor was stopped"),
    # The monitor's life.
    "started": mark("the monitor was started"),
    "gap": mark("the monitor was not running"),
    "suspended": mark("the monitor's machine was asleep"),
    "store_failed": mark("our own storage failed"),
    "store_recovered": mark("our own storage was repaired"),
    "config": mark("the configuration was changed"),
    "restored": mark("the record was restored from a copy"),
    "references_failed": mark("our own network failed"),
    "references_back": mark("our own network came back"),
    "late_looks": mark("looks came too late to count"),
    # What became of looks, where no cause says more.
    "rejected": mark("login rejected"),
    "blocked": mark("account blocked"),
    "not_measured": mark("not measured"),
    "undecided": mark("some looks failed, too few to tell"),
    "few_vantages": mark("too few vantages measured"),
    "no_look": mark("no look was taken"),
    "": mark("cause not recorded"),
}

CLASSES: Mapping[str, str] = {
    "system_down": mark("System down"),
    "login_failure": mark("Login failure"),
    "degraded": mark("Degraded"),
}

CLOCKS: Mapping[str, str] = {
    "registration": mark("Registration"),
    "classification": mark("Classification"),
    "first_response": mark("First response"),
    "answer": mark("Answer when it will be solved"),
    "restore": mark("Restoration"),
    "resolution": mark("Resolution"),
    "update": mark("Updates"),
    "escalation": mark("Escalation"),
}

CLOCK_VERDICTS: Mapping[str, str] = {
    "met": mark("in time"),
    "missed": mark("missed"),
    "running": mark("still running"),
    "paused": mark("paused"),
    "undetermined": mark("cannot be decided: minutes of it were not measured"),
}

UNJUDGED: Mapping[str, str] = {
    "proposed": mark("nobody confirmed the severity"),
    "agreed": mark("no time was agreed on"),
    "no_target": mark("no time is promised"),
    "tracked": mark("no time is promised"),
    "mean": mark("shown without a verdict"),
    "share": mark("shown without a verdict"),
}

INCIDENT_STATES: Mapping[str, str] = {
    "open": mark("open"),
    "paused": mark("paused"),
    "resolved": mark("resolved"),
    "closed": mark("closed"),
}

ROLES: Mapping[str, str] = {
    "reach": mark("reachability"),
    "login": mark("login"),
    "function": mark("function"),
}

SAYS_IT_ALL = frozenset({"undecided", "no_look"})
"""Causes to which what was recorded beside them adds nothing."""

STAGES: Mapping[str, str] = {
    "test": mark("test system"),
    "demo": mark("demonstration system"),
    "acceptance": mark("acceptance system"),
}

LETTERS: Mapping[str, str] = {
    "U": mark("up"),
    "G": mark("degraded"),
    "D": mark("system down"),
    "L": mark("login failure"),
    "N": mark("not measured"),
    "M": mark("announced maintenance"),
    "E": mark("notified exception"),
    "X": mark("outside the agreement"),
}

DOWN: Mapping[str, str] = {
    "D": mark("Users cannot reach the system (letter D)."),
    "L": mark("Users reach it and cannot log in, and it is not the account's own fault (L)."),
    "G": mark("Users get in, but a function fails or answers too slowly (G)."),
}

NOT_ADMITTED: Mapping[str, str] = {
    "not_excluded": mark("the agreement does not exclude maintenance"),
    "late_notice": mark("announced too late"),
    "not_announced": mark("the client has not been told yet"),
    "cancelled": mark("cancelled before it began"),
    "cap": mark("the cap of the month is used up"),
    "out_of_scope": mark("outside the agreement or its hours"),
}

NOT_EXCEPTED: Mapping[str, str] = {
    "not_excluded": mark("the agreement does not exclude exceptions"),
    "not_notified": mark("the client has not been notified"),
    "late_notice": mark("notified after the first report was given out"),
    "withdrawn": mark("withdrawn"),
}

ANSWERS: Mapping[str, str] = {
    "none": mark("none yet"),
    "accepted": mark("accepted"),
    "objected": mark("objected"),
}

OUTCOMES: Mapping[str, str] = {
    "open": mark("not answered yet"),
    "accepted": mark("accepted and corrected"),
    "partly": mark("accepted in part"),
    "rejected": mark("rejected"),
    "withdrawn": mark("withdrawn by the client"),
}

ATTEMPT_RULES: Mapping[str, str] = {
    "confirmed": mark(
        "Confirmed: a look fails when more of its attempts failed than passed. Its bias: an outage "
        "is measured shorter by the time between the first and the second attempt, on average 5 s "
        "where attempts fail at once and 15 s where they run into a time limit of 10 s; and a "
        "service that fails a share p of single attempts at random is counted down for "
        "p² (1 + (1 − p)) of its minutes."
    ),
    "all": mark(
        "All: a look fails when every attempt of it failed. Its bias: an outage is measured "
        "shorter by the time until the last attempt, and a service that fails a share p of single "
        "attempts at random is counted down for p³ of its minutes where three are made."
    ),
    "single": mark(
        "Single: the first measured attempt decides. Its bias: one lost packet makes a minute "
        "down, and a service that fails a share p of single attempts at random is counted down "
        "for p of its minutes."
    ),
}

WATCH: Mapping[str, str] = {
    "role": mark("what its look says"),
    "kind": mark("kind of probe"),
    "interval": mark("minutes between looks"),
    "attempts": mark("attempts of a look"),
    "slow_after_us": mark("slow from"),
    "accounts": mark("accounts"),
    "target": mark("what it looks at"),
    "settings": mark("how it asks, or what it wants to see"),
    "vantages": mark("vantages"),
    "min_vantages": mark("vantages that must have measured"),
    "attempt_rule": mark("attempt rule"),
    "need": mark("probes that must pass"),
}
"""What was changed in how a service is watched."""

EXCLUSIONS: Mapping[str, str] = {
    "maintenance": mark("announced maintenance"),
    "exceptions": mark("notified exceptions"),
}

TERMS: Mapping[str, str] = {
    "target": mark("target"),
    "down": mark("what counts as down"),
    "promised": mark("whether it is promised"),
    "timezone": mark("time zone"),
    "language": mark("language"),
    "attempt_rule": mark("attempt rule"),
    "min_consecutive": mark("shortest outage that counts"),
    "min_coverage": mark("least coverage"),
    "excludes": mark("what is excluded"),
    "hours": mark("hours of the promise"),
    "maintenance_notice": mark("notice of maintenance"),
    "calendar": mark("support calendar"),
    "severities": mark("severities and their clocks"),
    "goals": mark("goals of support"),
    "holidays": mark("holidays"),
    "windows": mark("support hours"),
}


def called(words: Mapping[str, str], key: str, language: Language) -> str:
    """Return what *key* is called in *language*; *key* itself where *words* lacks it."""
    return language.say(words[key]) if key in words else key


def terms(keys: Iterable[str], language: Language) -> tuple[str, ...]:
    """Return what terms of a contract are called, each once: `availability.target` is the target.

    What belongs to severities and goals is named by these: the attached terms have it in full.
    """
    return tuple(dict.fromkeys(called(TERMS, _telling(key), language) for key in keys))


def _telling(key: str) -> str:
    first = key.partition(".")[0]
    return first if first in {"severities", "goals"} else key.rpartition(".")[2]
