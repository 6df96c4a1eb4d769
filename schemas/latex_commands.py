r"""The 84 LaTeX commands by which OpenWebMath knew a page with formulas.

Source: the published code's list (spec section 1.2, step 2; the paper calls it the top 100). The
published prefilter looks for each as a substring of the text (``\in`` in ``C:\intel``); ours takes
whole commands, by ``POPULAR_COMMAND``.
"""

from __future__ import annotations

import re

__all__ = ["POPULAR_COMMAND", "POPULAR_COMMANDS"]

POPULAR_COMMANDS: tuple[str, ...] = tuple(
    r"""
    \end \begin \ref \frac \label \bf \right \left \rm \alpha \mu \def \it \pi \sigma \sum \lambda
    \beta \nu \partial \int \delta \rho \phi \gamma \omega \over \nonumber \bar \sqrt \theta \tau
    \em \rangle \hat \tilde \cal \hline \item \psi \vec \langle \epsilon \eta \cdot \in \xi \infty
    \quad \mathcal \times \emph \mathbf \prime \be \mathrm \ee \vspace \pm \chi \ell \text \qquad
    \noindent \to \varphi \hspace \leq \cos \eqref \overline \sin \kappa \hbox \rightarrow
    \varepsilon \textit \dagger \big \otimes \equiv \zeta \dot \ln
    """.split()
)

# A whole command: no letter may follow (that would be another command), no backslash precede (the
# second of two backslashes begins none).
POPULAR_COMMAND: re.Pattern[str] = re.compile(
    r"(?<!\\)(?:" + "|".join(map(re.escape, POPULAR_COMMANDS)) + r")(?![A-Za-z])"
)
