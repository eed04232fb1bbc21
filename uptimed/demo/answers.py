"""Answers of the sandbox's own pages: HTML, JSON and redirects."""

from collections.abc import Mapping

from aiohttp import web

_SAFE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}


def html(text: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a page as an answer."""
    return web.Response(
        text=text, status=status, content_type="text/html", headers={**_SAFE, **(headers or {})}
    )


def document(content: Mapping[str, object], *, status: int = 200) -> web.Response:
    """Return a JSON document as an answer."""
    return web.json_response(content, status=status, headers={"Cache-Control": "no-store"})


def redirect(location: str, *, status: int = 302) -> web.Response:
    """Return a redirect."""
    return web.Response(status=status, headers={"Location": location})
