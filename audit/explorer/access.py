"""Who may ask the explorer, and what a browser may do with its answers.

The pages in a corpus come from the open web, and so may requests to a server on this machine: any
site that a browser visits can send some. So a request must name a host that the server goes by
(against DNS rebinding), whatever changes something must come from the explorer's own pages, and a
server that others can reach asks for a token.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["CSRF_HEADER", "FRAME_POLICY", "Access", "Guard", "is_loopback"]

CSRF_HEADER = "x-proofmill-csrf"

_COOKIE = "proofmill_token"

# Our own pages: everything from this server, nothing inline, nothing from anywhere else.
_PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

FRAME_POLICY = "sandbox; default-src 'none'; style-src '{style}'; frame-ancestors 'self'"
"""A captured page: no origin, no script, no request; the one style sheet is ours, by its digest."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-DNS-Prefetch-Control": "off",
}

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_MAX_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one server.

    Attributes:
        hosts: Names that it goes by, without port.
        any_address: Whether an IP address will do as a name: rebinding needs a name that its
            attacker can resolve anew.
        token: What a visitor must know; empty when only this machine can reach the server.
        csrf: What the explorer's own pages send with a change, made anew for each server.
    """

    hosts: frozenset[str]
    any_address: bool = False
    token: str = ""
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @classmethod
    def for_address(cls, host: str, *, token: str = "", names: Iterable[str] = ()) -> Access:
        """The rules for a server that listens on an address.

        Args:
            host: What it listens on.
            token: A token of the user's own; one is made when the address needs one.
            names: Other names that it may be called by, such as a proxy's.
        """
        if is_loopback(host):
            return cls(_LOCAL_NAMES | {host.lower()} | _lowered(names), token=token)
        known = _LOCAL_NAMES | {host.lower()} | _lowered(names)
        return cls(known, any_address=True, token=token or secrets.token_urlsafe(24))

    def admits_host(self, header: str) -> bool:
        """Whether a Host header names this server."""
        name = _without_port(header)
        if name in self.hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self.any_address

    def knows(self, token: str | None) -> bool:
        """Whether a token is the one, in a time that doesn't tell how much of it is right."""
        return secrets.compare_digest((token or "").encode(), self.token.encode())

    def is_own_form(self, csrf: str | None) -> bool:
        """Whether a change comes from one of the explorer's own pages."""
        return secrets.compare_digest((csrf or "").encode(), self.csrf.encode())


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _lowered(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _without_port(header: str) -> str:
    """The name of a Host header: ``localhost:80``, ``[::1]:80``."""
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


class Guard:
    """Turns away what ``Access`` doesn't admit, and gives every answer its headers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        refusal = self._refusal(Request(scope))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message))
            await send(message)

        await (refusal or self._app)(scope, receive, with_headers)

    def _refusal(self, request: Request) -> Response | None:
        """Why a request isn't let in; None when it is."""
        if not self._access.admits_host(request.headers.get("host", "")):
            return PlainTextResponse("This server goes by another name.", 421)
        if self._access.token and (refused := self._without_token(request)) is not None:
            return refused
        if request.method not in ("GET", "HEAD"):
            return self._foreign_change(request)
        return None

    def _without_token(self, request: Request) -> Response | None:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._access.knows(sent):
            return None
        if self._access.knows(request.cookies.get(_COOKIE)):
            return None
        given = request.query_params.get("token")
        if given is None or not self._access.knows(given):
            return PlainTextResponse(
                "A token is needed: open the address that `proofmill audit serve` printed.",
                401,
                {"WWW-Authenticate": "Bearer"},
            )
        # Into a cookie, so that no address bar, history or copied link keeps it.
        query = [pair for pair in parse_qsl(request.url.query) if pair[0] != "token"]
        path = request.url.path + (f"?{urlencode(query)}" if query else "")
        answer = RedirectResponse("/" + path.lstrip("/"), 303)
        answer.set_cookie(
            _COOKIE,
            self._access.token,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    def _foreign_change(self, request: Request) -> Response | None:
        """Refuses a change that another site's page may have sent."""
        headers = request.headers
        foreign = headers.get("sec-fetch-site", "same-origin") != "same-origin"
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != headers.get("host"):
            foreign = True
        if foreign or not self._access.is_own_form(headers.get(CSRF_HEADER)):
            return PlainTextResponse("Changes are taken from the explorer's own pages alone.", 403)
        if not _short_body(headers):
            return PlainTextResponse("Too long.", 413)
        return None


def _short_body(headers: Headers) -> bool:
    length = headers.get("content-length", "")
    return length.isdecimal() and len(length) < 10 and int(length) <= _MAX_BODY


def _add_headers(headers: MutableHeaders) -> None:
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
    headers.setdefault("X-Frame-Options", "DENY")
