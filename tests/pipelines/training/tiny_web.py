"""A tiny web written here: sites of mathematics and sites of anything else."""

from __future__ import annotations

from pathlib import Path

MATHEMATICS = (
    "The theorem says that every bounded sequence has a convergent subsequence in this space.",
    "Suppose that the function is continuous and let the derivative vanish at the given point.",
    "We prove by induction that the polynomial divides the determinant of the matrix.",
    "Hence the group is abelian, and its subgroup of finite index is normal by the lemma.",
)
ORDINARY = (
    "The hotel is close to the beach and the breakfast was good, but the room was small.",
    "Police said on Monday that the road would stay closed until the end of the week.",
    "Stir the sauce over a low heat and serve it with bread, cheese and a fresh salad.",
    "The team won the match at home and the coach was happy with the young players.",
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
SITES, PAGES = 6, 4


def url(site: int, page: int) -> str:
    return f"https://www.site{site}.example/{page}"


def html(site: int, page: int) -> str:
    """A page; those of even sites are mathematical and hold formulas."""
    mathematical = site % 2 == 0
    lines = list(MATHEMATICS if mathematical else ORDINARY)
    lines = lines[page:] + lines[:page]
    formula = "<p>Let \\(\\alpha \\in \\mathbf{R}\\) and \\(\\sum x_i\\) be given.</p>"
    where = f"This is the {_ORDINALS[page]} page of the {_ORDINALS[site]} site."
    body = "".join(f"<p>{line}</p>" for line in [*lines, where])
    return (
        f'<html><head><link rel="canonical" href="{url(site, page)}">'
        '<script src="MathJax.js"></script></head><body><article>'
        f"{body}{formula if mathematical else ''}</article></body></html>"
    )


def write_pages(folder: Path) -> None:
    """Every page as a file of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for site in range(SITES):
        for page in range(PAGES):
            (folder / f"{site}-{page}.html").write_text(html(site, page), "utf-8")


def write_warc(path: Path, *, sites: range = range(SITES)) -> None:
    """The pages of some sites as responses of a web archive."""
    records = []
    for site in sites:
        for page in range(PAGES):
            body = html(site, page).encode()
            http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + body
            head = (
                "WARC/1.0\r\nWARC-Type: response\r\n"
                f"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-0000000{site:02d}{page:03d}>\r\n"
                f"WARC-Target-URI: {url(site, page)}\r\nWARC-Date: 2023-01-01T00:00:00Z\r\n"
                "Content-Type: application/http; msgtype=response\r\n"
                f"Content-Length: {len(http)}\r\n\r\n"
            )
            records.append(head.encode() + http + b"\r\n\r\n")
    path.write_bytes(b"".join(records))
