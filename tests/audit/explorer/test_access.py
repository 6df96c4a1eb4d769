"""Who is let in, what may be changed, and what a browser is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from audit import AuditRun
from audit.explorer.access import CSRF_HEADER, Access
from audit.explorer.app import explorer_app
from audit.explorer.explorer import Explorer
from audit.explorer.sources import SourceFinder
from audit.labelling import read_labels
from tests.audit.explorer.hostile import HOSTILE_URL

LOCAL = "http://127.0.0.1:8710"


@pytest.fixture
def client(explorer: Explorer) -> Iterator[TestClient]:
    with TestClient(explorer_app(explorer), base_url=LOCAL) as found:
        yield found


@pytest.fixture
def guarded(run: AuditRun, labels: Path) -> TestClient:
    """An explorer that others can reach."""
    access = Access.for_address("0.0.0.0", token="open sesame", names=["audit.example"])
    explorer = Explorer(run, {}, labels, access, SourceFinder(run))
    return TestClient(explorer_app(explorer), base_url="http://10.1.2.3:80", follow_redirects=False)


def _any_id(run: AuditRun) -> str:
    return str(run.one("SELECT min(document_id) FROM trails WHERE verdict = 'keep'")[0])


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8710", "", "localhost.x"])
def test_a_request_under_a_foreign_name_is_refused(client: TestClient, host: str) -> None:
    # What DNS rebinding looks like: the attacker's name, our address.
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "records" not in answer.text


@pytest.mark.parametrize("host", ["localhost:8710", "127.0.0.1", "[::1]:9", "LOCALHOST"])
def test_local_names_are_served(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


def test_loopback_needs_no_token_and_anything_else_gets_one() -> None:
    assert not Access.for_address("127.0.0.1").token
    assert not Access.for_address("::1").token
    assert not Access.for_address("localhost").token
    assert len(Access.for_address("0.0.0.0").token) >= 24
    assert len(Access.for_address("192.168.1.7").token) >= 24
    assert Access.for_address("::").token != Access.for_address("::").token


@pytest.mark.parametrize("path", ["/", "/documents", "/assets/htmx.js", "/labels", "/nothing"])
def test_without_the_token_nothing_is_served(guarded: TestClient, path: str) -> None:
    assert guarded.get(path).status_code == 401
    assert guarded.get(path, headers={"authorization": "Bearer open"}).status_code == 401
    assert guarded.get(path, params={"token": "wrong"}).status_code == 401
    assert guarded.get(path, params={"token": ""}).status_code == 401
    guarded.cookies.set("proofmill_token", "x")
    assert guarded.get(path).status_code == 401


def test_the_token_moves_from_the_address_into_a_cookie(guarded: TestClient) -> None:
    answer = guarded.get("/documents", params={"domain": "x.org", "token": "open sesame"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/documents?domain=x.org"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert guarded.get("/documents").status_code == 200


def test_a_token_never_leads_to_another_site(guarded: TestClient) -> None:
    answer = guarded.get("http://10.1.2.3//evil.example/", params={"token": "open sesame"})
    assert answer.status_code == 303
    assert re.match("/[^/]", answer.headers["location"])


def test_a_bearer_token_is_taken_too(guarded: TestClient) -> None:
    headers = {"authorization": "Bearer open sesame"}
    assert guarded.get("/", headers=headers).status_code == 200
    assert guarded.get("/", headers=headers | {"host": "audit.example"}).status_code == 200
    # A name that nobody gave: with a token as well, since a browser sends cookies by name.
    assert guarded.get("/", headers=headers | {"host": "evil.example"}).status_code == 421


def test_another_sites_form_changes_nothing(
    client: TestClient, explorer: Explorer, run: AuditRun, labels: Path
) -> None:
    form = {"document_id": _any_id(run), "label": "drop"}
    own = {CSRF_HEADER: explorer.access.csrf}
    assert client.post("/labels", data=form).status_code == 403
    assert client.post("/labels", data=form, headers={CSRF_HEADER: "guess"}).status_code == 403
    for foreign in ({"origin": "https://evil.example"}, {"origin": "null"}):
        assert client.post("/labels", data=form, headers=own | foreign).status_code == 403
    cross = own | {"sec-fetch-site": "cross-site"}
    assert client.post("/labels", data=form, headers=cross).status_code == 403
    assert not labels.exists()
    fine = own | {"origin": LOCAL, "sec-fetch-site": "same-origin"}
    assert client.post("/labels", data=form, headers=fine).status_code == 200
    assert read_labels(labels)[form["document_id"]].label == "drop"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"document_id": "0" * 32, "label": "keep"}, 404),
        ({"document_id": "../../etc/passwd", "label": "keep"}, 404),
        ({"document_id": "x", "label": "delete"}, 400),
        ({}, 400),
        ({"document_id": "x", "label": "keep", "note": "n" * 70_000}, 413),
    ],
)
def test_odd_labels_are_refused(
    client: TestClient, explorer: Explorer, labels: Path, form: dict[str, str], status: int
) -> None:
    headers = {CSRF_HEADER: explorer.access.csrf}
    assert client.post("/labels", data=form, headers=headers).status_code == status
    assert not labels.exists()


def test_every_answer_carries_its_policy(client: TestClient, run: AuditRun) -> None:
    some = _any_id(run)
    for path in ("/", f"/documents/{some}", "/assets/explorer.js", "/documents/none", "/nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"


def test_a_captured_page_is_served_without_any_permission(
    client: TestClient, run: AuditRun
) -> None:
    (hostile,) = run.one("SELECT document_id FROM trails WHERE url = ?", [HOSTILE_URL])
    answer = client.get(f"/documents/{hostile}/drawn")
    policy = answer.headers["content-security-policy"]
    # `sandbox` alone: opened by itself it's as powerless as in its frame.
    assert policy.startswith("sandbox; default-src 'none';")
    assert "script-src" not in policy and "allow-" not in policy
    assert 'sandbox=""' in client.get(f"/documents/{hostile}").text


def test_our_own_pages_hold_no_inline_script_or_style(client: TestClient, run: AuditRun) -> None:
    (hostile,) = run.one("SELECT document_id FROM trails WHERE url = ?", [HOSTILE_URL])
    for path in ("/", f"/documents/{hostile}", "/scores/math_score", "/labels", "/compare"):
        page = client.get(path).text
        assert "<script>" not in page and " style=" not in page and " onload=" not in page
        assert "<img" not in page


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py",
        "/assets/%2e%2e/app.py",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets//etc/passwd",
        "/assets/fonts/../../../settings.py",
        "/documents/..%2f..%2fmanifest.json",
        "/documents/%2fetc%2fpasswd/source",
        "/documents/%00/drawn",
        "/scores/..%2f..%2fx",
        "/compare/..%2fother/0",
        "/compare?with=/tmp",
        "/documents/' OR 1=1 --",
        "/scores/math_score?setting=model&value=1",
        "/scores/math_score/what-if?setting=threshold_with_math;x=1&value=1",
        "/scores/math_score/what-if?setting=threshold_with_math&value=inf",
        "/scores/math_score/what-if",
    ],
)
def test_addresses_lead_nowhere_else(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (400, 404), answer.text
    assert "root:" not in answer.text


def test_questions_are_parameters(client: TestClient, run: AuditRun) -> None:
    before = run.one("SELECT count(*) FROM trails")
    for words in ("'; DROP TABLE trails; --", "%' OR '1'='1", "zq\\w", "a\x00b", "(((", "é" * 5000):
        for name in ("url", "domain", "text", "reason"):
            answer = client.get("/documents", params={name: words})
            assert answer.status_code == 200 and "Nothing fits" in answer.text, (name, words)
    assert run.one("SELECT count(*) FROM trails") == before
