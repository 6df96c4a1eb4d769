"""Names by which pages give away what is not their content.

Collected from the markup of the systems named at each group; classes and ids are matched by whole
words between spaces, hyphens and underscores.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

from extractors.html.name_sets import names

__all__ = [
    "BOILERPLATE_LINE",
    "DROPPED_ROLES",
    "DROPPED_TAGS",
    "NameKind",
    "hides_by_class",
    "hides_by_style",
    "is_content_name",
    "name_kind",
]

DROPPED_TAGS = names(
    "nav footer button select option input textarea iframe object embed canvas svg audio "
    "video map area dialog menu noframes applet datalist progress meter rp"
)
"""Elements that hold controls, media or navigation (https://html.spec.whatwg.org/)."""

DROPPED_ROLES = names(
    "navigation banner contentinfo search dialog alertdialog menu menubar toolbar tablist "
    "complementary button"
)
"""WAI-ARIA roles of the same kind (https://www.w3.org/TR/wai-aria-1.2/#roles)."""

_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
"""Inline styles that hide."""


def _words(*groups: str) -> str:
    return "|".join(word for group in groups for word in group.split())


def _name_pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[\s_-])(?:{words})(?:$|[\s_-])", re.IGNORECASE)


_HIDDEN_NAME = re.compile(
    r"(?:^|\s)(?:hidden|d-none|sr-only|visually-hidden|visuallyhidden|screen-reader-text|hide"
    r"|mw-editsection|editsection|headerlink|viewcode-link|viewcode-back|anchorjs-link"
    r"|anchor-link|copiable-link|input_prompt|output_prompt|jp-InputPrompt|jp-OutputPrompt"
    r"|mw-jump-link|noprint|printfooter|MJX_Assistive_MathML|ltx_page_footer|mw-empty-elt"
    r"|screenreader-only|element-invisible|copybtn|clipboard-copy|mw-cite-backlink)(?:\s|$)"
)
"""Classes that hide from sight or mark a control in the text (Bootstrap, WordPress, MediaWiki,
Sphinx, Drupal, LaTeXML)."""

_BOILERPLATE_NAME = _name_pattern(
    _words(
        # site furniture
        "nav navbar navigation topnav subnav menu submenu breadcrumbs? footer sidebar side-?bar"
        " masthead topbar top-bar toolbar tool-bar pagination pager paging skip-?link site-?header"
        " global-?header page-?header-?nav leftnav rightnav left-?col(?:umn)?-?nav sitemap"
        " siteheader sitefooter colophon bottombar page-?footer post-?footer entry-?footer",
        # notices and advertising
        "cookies? cookie-?banner gdpr consent advert(?:s|isement|ising|orial)? ads? adsense"
        " adsbygoogle adslot banner promo(?:s|tion|tions|ted)? sponsor(?:ed|s)? newsletter"
        " subscribe subscription paywall popup pop-?up modal overlay lightbox outbrain taboola"
        " donate donation upsell cta",
        # sharing and accounts
        "share shares sharing sharedaddy share-?buttons? social socials social-?links addthis"
        " addtoany jp-relatedposts likes? login log-?in signin sign-?in signup sign-?up register"
        " registration fb-root facebook twitter followus follow-?us",
        # other pages
        "related related-?posts? related-?articles? related-?content recommend(?:ed|ations?|er)?"
        " similar similar-?questions popular trending most-?read most-?popular read-?more"
        " more-?stories more-?from latest-?news also-?like see-?also-?links next-?post prev-?post"
        " post-?navigation nav-links archives? blogroll tag-?cloud tagcloud tags? tag-?links"
        " categories cat-?links catlinks widgets? widget-?area recent-?posts recent-?comments"
        " threadlist similar_threads",
        # MediaWiki
        "navbox vertical-navbox vector-page-toolbar mw-portlet vector-menu mw-indicators"
        " minerva__tab-container sistersitebox mw-panel mw-head mw-navigation toc tocright"
        " ambox metadata mbox-small authority-control stub",
        # Sphinx, mkdocs, Doxygen
        "sphinxsidebar sphinxsidebarwrapper wy-nav-side rst-footer-buttons rst-versions"
        " md-sidebar bd-sidebar bd-toc navheader navfooter",
        # LibreTexts, PreTeXt
        "elm-meta-data mt-page-restriction-container autopermalink",
        # StackExchange
        "left-sidebar question-stats herobox hero-content s-topbar js-dismissable-hero",
        "copyright disclaimer legal licen[cs]e-?info print-?only page-?tools"
        " page-?actions article-?tools article-?actions metrics altmetric rating ratings"
        " star-?rating voting-?container hatnote-?nav",
    )
)
"""Classes and ids of what is on every page of a site."""

_USER_INTERFACE_NAME = _name_pattern(
    _words(
        # StackExchange: votes, signatures, links under posts
        "votecell vote js-voting-container post-menu js-post-menu post-signature user-info"
        " user-details user-action-time user-gravatar32 comment-score comment-actions"
        " js-add-link comments-link js-comments-menu js-link-separator answers-subheader"
        " bottom-notice question-status"
        " post-taglist js-filter-btn js-sort-preference-change js-new-answers"
        " post-form js-post-notice bounty-link comment-voting comment-flagging dno"
        " comment-date relativetime-clean",
        # forums (vBulletin, phpBB, XenForo, MyBB, Discourse)
        "userinfo postprofile post-?profile postbit-?left message-user message-userDetails"
        " message-userExtras message-avatar avatar avatars signature signaturecontainer"
        " post_?controls postcontrols postfoot posthead post-buttons author_avatar"
        " author_information author_statistics post_head_author reactionsBar"
        " message-attribution message-actionBar quick-?reply quickreply usersbrowsing"
        " lastedited thread_?legend thread-?tools threadtools poster rep_bars usertitle"
        " topic-map post-controls who-liked message-lastEdit",
        # CSDN: dates, counts and the licence between title and text
        "article-info-box",
        # reading aids
        "reply comment-reply-link reply-?link edit-?link edit-?button copy-?button respond"
        " comment-form commentform post-?meta entry-?meta post-?info byline-?social"
        " reading-?time action-?bar btn btn-group button buttons",
    )
)
"""Classes and ids of controls and of facts about posters; dropped unless they hold formulas."""

_COMMENTS_NAME = _name_pattern(
    _words(
        "comments? commentlist comment-?list comment-?section comments-?area disqus_thread"
        " responses"
    )
)
"""Classes and ids of readers' comments, which are dropped on pages without formulas."""

_CONTENT_NAME = re.compile(
    r"(?:^|\s)(?:article-?_{0,2}(?:body|content|text)|articleBody|articletext|entry-?content|post-?content"
    r"|post-?body|story-?_{0,2}(?:body|content|text)|storytext|body-?copy|articlecontent|blog-?content"
    r"|mw-parser-output|content-?_{0,2}body|article-?main|main-?article|single-?content|page-?content"
    r"|td-post-content|field-name-body|rich-?text|ltx_page_content|article_text|bodytext)(?:\s|$)",
    re.IGNORECASE,
)
"""Classes and ids of the element that holds an article's text."""

_CONTROL_LABELS = (
    "share", "cite", "edit", r"\[edit\]", "follow", "flag", "quote", "reply", "report", "like",
    "tweet", "print", "permalink", "delete", "close", "link", "share this", "log in", "sign in",
    "sign up",
    "subscribe", "read more", "continue reading.{0,20}", "back to top", "top", "next", "previous",
    "prev", "advertisement", r"loading\.*", "skip to content", "show more", "view more", "see more",
    "load more", "copy", "copied!?", "download", "menu", "search", "website find",
    "view a printable version", "reply with quote", "improve this (?:question|answer)",
)  # fmt: skip
_CONTROL_LINES = (
    r"add a comment\s*\|?", "active oldest votes", "users browsing this thread.{0,60}",
    r"« next oldest \| next newest »", "follow .{0,40} on facebook.{0,30}",
    "this entry was posted (?:in|on) .{0,300}",
    r"(?:\d+\s*)?(?:comments?|replies|views|likes)\s*\d*:?",
    r"share on (?:facebook|twitter|google\+?|pinterest|linkedin|whatsapp).{0,40}",
)  # fmt: skip
_LABEL = "(?:" + "|".join(_CONTROL_LABELS) + ")"
BOILERPLATE_LINE = re.compile(
    rf"[-*>\s|]*+(?:{_LABEL}(?:\s*[|·•/]\s*{_LABEL})*|" + "|".join(_CONTROL_LINES) + r")\s*\Z",
    re.IGNORECASE,
)
"""Whole lines that are labels of controls; headings and code are never tested."""


class NameKind(IntEnum):
    """What the classes and id of an element say of it."""

    NOTHING = 0
    COMMENTS = 1
    BOILERPLATE = 2
    CONTROL = 3


# Pages repeat their few class names thousands of times.
@lru_cache(maxsize=1 << 15)
def name_kind(name: str) -> NameKind:
    """What an element's classes and id, joined by a space, say of it."""
    if "ltx_" in name:
        return NameKind.NOTHING  # LaTeXML's words are those of LaTeX: tag, note, title
    if _USER_INTERFACE_NAME.search(name):
        return NameKind.CONTROL
    if _BOILERPLATE_NAME.search(name):
        return NameKind.BOILERPLATE
    if _COMMENTS_NAME.search(name):
        return NameKind.COMMENTS
    return NameKind.NOTHING


@lru_cache(maxsize=1 << 15)
def is_content_name(name: str) -> bool:
    """Whether a class attribute or an id is that of an article's text."""
    return _CONTENT_NAME.search(name) is not None


@lru_cache(maxsize=1 << 15)
def hides_by_class(classes: str) -> bool:
    """Whether an element's class attribute hides it."""
    return _HIDDEN_NAME.search(classes) is not None


@lru_cache(maxsize=1 << 12)
def hides_by_style(style: str) -> bool:
    """Whether an element's style attribute hides it."""
    return _HIDDEN_STYLE.search(style) is not None
