// Runs inside the page, after its mathematics library is done. Must not refer to anything outside.

/** Waits for whatever mathematics library the page has to finish. Returns its name and version. */
export async function settled(patience) {
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const atMost = (promise, ms) => Promise.race([promise, sleep(ms).then(() => "late")]);
  await sleep(50);
  const M = window.MathJax;
  if (M?.Hub?.Queue) {
    const end = await atMost(
      new Promise((done) => {
        if (M.isReady) M.Hub.Queue(() => done("done"));
        else M.Hub.Register.StartupHook("End", () => M.Hub.Queue(() => done("done")));
      }),
      patience,
    );
    // Without config= MathJax 2 loads no input processor, and lists nothing.
    const configured = M.Hub.config.jax.length > 0 || Object.keys(M.InputJax ?? {}).length > 2;
    return { library: "mathjax2", version: M.version, end: configured ? end : "unconfigured" };
  }
  if (M?.startup && M.version) {
    const end = await atMost(
      Promise.resolve(M.startup.promise).then(
        () => "done",
        (error) => "failed: " + error,
      ),
      patience,
    );
    return { library: /^4/.test(M.version) ? "mathjax4" : "mathjax3", version: M.version, end };
  }
  if (window.katex) {
    await sleep(300);
    return { library: "katex", version: window.katex.version, end: "done" };
  }
  return { library: "", version: "", end: "" };
}

/** Lists the page's formulas in document order. */
export function listing() {
  const found = [];
  const own = new Set(); // what the library drew: not to be listed again as static
  const done = new Set(); // what is listed, so that nothing inside it is listed again
  const add = (node, element, fields) => {
    done.add(node);
    found.push({ node, element, ...fields });
  };
  const noteIn = (mathml) => {
    // MathML that a library was given may carry its TeX
    if (!/<annotation/i.test(mathml)) return "";
    const inside = new DOMParser().parseFromString(mathml, "text/html").querySelector("math");
    return inside ? annotation(inside) : "";
  };
  const annotation = (math) => {
    const note = [...math.querySelectorAll("annotation")].find((one) =>
      /tex/i.test(one.getAttribute("encoding") ?? ""),
    );
    return note?.textContent ?? "";
  };

  // --- what the library says
  const inRow = new Map();
  const rowPart = (node, text, mathml) => {
    const row = node.closest(".ltx_eqn_row");
    if (!inRow.has(row)) inRow.set(row, []);
    inRow.get(row).push([text, mathml]);
  };
  const M = window.MathJax;
  if (M?.Hub?.getAllJax) {
    for (const script of document.querySelectorAll('script[type^="math/"]')) {
      const type = script.getAttribute("type");
      const jax = M.Hub.getJaxFor(script);
      let mathml = "";
      let display = /mode\s*=\s*display/.test(type);
      if (jax) {
        try {
          display = jax.root.Get("display") === "block";
          mathml = jax.root.toMathML("");
        } catch (error) {
          mathml = "";
        }
        for (let node = script.previousElementSibling; node; node = node.previousElementSibling) {
          if (!/^(MathJax|MJX)/.test(node.className) && !/^MathJax/.test(node.id)) break;
          own.add(node);
        }
      }
      const text = jax?.originalText ?? script.textContent.replace(/^<!\[CDATA\[|\]\]>$/g, "");
      const note = /mml/.test(type) ? noteIn(text) : "";
      if (script.closest(".ltx_eqn_row")) {
        const alternative = /alttext="([^"]*)"/.exec(text)?.[1] ?? "";
        rowPart(script, note || new DOMParser().parseFromString(alternative, "text/html").body.textContent, mathml);
        continue;
      }
      add(script, script.parentElement, {
        oracle: jax ? "mathjax2" : "static:script",
        format: note ? "tex" : /mml/.test(type) ? "mathml" : /asciimath/.test(type) ? "asciimath" : "tex",
        display: display || Boolean(script.closest(".katex-display")),
        text: note || text,
        mathml,
      });
    }
  } else if (M?.startup?.document?.math) {
    for (const item of M.startup.document.math) {
      const root = item.typesetRoot;
      let mathml = "";
      try {
        mathml = M.startup.toMML(item.root);
      } catch (error) {
        mathml = "";
      }
      const anchor = root?.isConnected ? root : item.start?.node;
      if (root) own.add(root);
      if (!anchor) continue;
      // a rendering that was saved with the page, rendered again: listed below, as it was saved
      if (anchor.parentElement?.closest("mjx-container, .MathJax, .MathJax_Display")) continue;
      const text = typeof item.math === "string" ? item.math : item.math.outerHTML;
      const note = item.inputJax.name === "MathML" ? noteIn(text) : "";
      add(anchor, anchor.nodeType === 1 ? anchor.parentElement : anchor.parentNode, {
        oracle: "mathjax3",
        format: note ? "tex" : { TeX: "tex", MathML: "mathml", AsciiMath: "asciimath" }[item.inputJax.name],
        display: item.display || Boolean(anchor.parentElement?.closest(".katex-display")),
        text: note || text,
        mathml,
      });
    }
  }
  const mine = (node) => {
    for (let up = node; up; up = up.parentElement) if (own.has(up)) return true;
    return false;
  };

  // --- what stands in the document whoever put it there
  const ancestor = (node, selector) => node.parentElement?.closest(selector) ?? null;
  const alone = (node) => {
    // the only thing of its block, which is no cell of a table
    let block = node.parentElement;
    while (block && getComputedStyle(block).display.startsWith("inline")) block = block.parentElement;
    if (block?.matches("h1, h2, h3, h4, h5, h6")) return null; // a page that doesn't say
    if (!block || block.matches("td, th, li")) return false;
    const text = block.textContent.trim();
    const inside = (node.textContent ?? "").trim();
    return text.replace(/^[\s.,;:()0-9]+|[\s.,;:()0-9]+$/g, "") === inside.replace(/^[\s.,;:()0-9]+|[\s.,;:()0-9]+$/g, "")
      && block.querySelectorAll("img, math, .katex").length <= 2;
  };
  const fresh = (node) => {
    for (let up = node; up; up = up.parentElement) if (done.has(up)) return false;
    return true;
  };
  const library = Boolean(M?.Hub?.getAllJax) || Boolean(M?.startup?.document);
  const rows = [...document.querySelectorAll(".ltx_eqn_row")];
  for (const node of document.querySelectorAll(
    ".katex, .katex-error, mjx-container, math, img, [data-tex], [data-latex], [data-expr], " +
      ".mathquill-embedded-latex, span.math, div.math, dt-math, d-math, tex-math, script[type^='math/']",
  )) {
    if (mine(node) || !fresh(node)) continue;
    const tag = node.localName;
    if (tag === "math" && node.closest(".ltx_eqn_row")) {
      rowPart(node, node.getAttribute("alttext") ?? annotation(node), node.outerHTML);
    } else if (tag === "script") {
      if (library && M.Hub) continue;
      const type = node.getAttribute("type");
      if (node.nextElementSibling?.matches?.(".katex, .katex-display") && window.katex) continue;
      add(node, node.parentElement, {
        oracle: "static:script",
        format: /mml/.test(type) ? "mathml" : /asciimath/.test(type) ? "asciimath" : "tex",
        display: /mode\s*=\s*display/.test(type),
        text: node.textContent.replace(/^\s*(%\s*)?<!\[CDATA\[|(%\s*)?\]\]>\s*$/g, ""),
        mathml: "",
      });
    } else if (node.matches(".katex")) {
      const math = node.querySelector("math");
      let text = math ? annotation(math) : node.querySelector("annotation")?.textContent ?? "";
      if (!math && !text) {
        // Cleaners strip the tags of the MathML: its signs, one a line, then the annotation.
        const blocks = (node.querySelector(".katex-mathml")?.textContent ?? "").trim().split(/\n\s*\n/);
        if (blocks.length < 2) continue;
        text = blocks.at(-1).trim();
      }
      add(node, node.parentElement, {
        oracle: window.katex ? "katex" : math ? "static:katex" : "static:katex-stripped",
        format: text ? "tex" : "mathml",
        display: Boolean(node.closest(".katex-display")) || math?.getAttribute("display") === "block",
        text: text || math.outerHTML,
        mathml: math ? math.outerHTML : "",
      });
    } else if (node.matches(".katex-error")) {
      add(node, node.parentElement, {
        oracle: "katex", format: "tex", display: null, text: node.textContent, mathml: "",
      });
    } else if (tag === "mjx-container") {
      const math = node.querySelector("math");
      if (!math) continue;
      const text = annotation(math);
      add(node, node.parentElement, {
        oracle: "static:mjx",
        format: text ? "tex" : "mathml",
        display: node.getAttribute("display") === "true",
        text: text || math.outerHTML,
        mathml: math.outerHTML,
      });
    } else if (tag === "math") {
      if (ancestor(node, ".MathJax_Display, .MathJax, .MathJax_SVG, .MathJax_CHTML")) {
        // an old rendering that was saved with the page: its script stands beside it
        const output = node.closest("[id^='MathJax-Element']");
        if (output && document.querySelector("script[id='" + output.id.replace("-Frame", "") + "']")) continue;
      }
      const text = annotation(node) || node.getAttribute("alttext") || "";
      const plain = node.firstElementChild ? "" : node.textContent; // TeX, if anything
      if (!text && !node.textContent.trim()) continue;
      const shown = node.closest(".mwe-math-element");
      add(shown ?? node, (shown ?? node).parentElement, {
        oracle: annotation(node) ? "static:annotation" : text ? "static:alttext"
          : plain ? "static:mathml-text" : "static:mathml",
        format: text || plain ? "tex" : "mathml",
        display:
          node.getAttribute("display") === "block" || node.getAttribute("mode") === "display" ||
          (shown ? alone(shown) : false),
        text: text || plain || node.outerHTML,
        mathml: plain ? "" : node.outerHTML,
      });
    } else if (node.matches("span.math, div.math")) {
      // Sphinx and Pandoc write the delimiters; a library that works has taken them away
      const own = /^\s*(\\\(|\\\[)([^]*?)(\\\)|\\\])\s*$/.exec(node.firstElementChild ? "" : node.textContent);
      if (!own) continue;
      add(node, node.parentElement, {
        oracle: "static:span", format: "tex", display: own[1] === "\\[", text: own[2], mathml: "",
      });
    } else if (tag === "img") {
      const source = node.getAttribute("data-src") ?? node.getAttribute("src") ?? "";
      const alt = node.getAttribute("alt") ?? "";
      if (ancestor(node, ".mwe-math-element, .katex, mjx-container")) continue;
      let text = "";
      const at = source.indexOf("?");
      const query = at < 0 ? "" : source.slice(at + 1);
      const plain = (coded) => {
        // "+" is a plus unless the address writes its pluses as %2B
        try {
          return decodeURIComponent(/%2B/i.test(coded) ? coded.replace(/\+/g, " ") : coded);
        } catch {
          return coded;
        }
      };
      const known = /[\\^_={}]/.test(alt) && !/\.(png|gif|svg|jpe?g)$/i.test(alt) ? alt : "";
      if (/latex\.php/.test(source)) text = alt || plain(new URLSearchParams(query).get("latex") ?? "");
      else if (/codecogs\.com.*\?|mimetex|mathtex\.cgi/.test(source) && query) text = known || plain(query);
      else if (/zhihu\.com\/equation/.test(source)) text = alt || plain(query.replace(/^tex=/, ""));
      else if (node.matches("img.math, .math img") && /images?\/math\//.test(source)) text = alt; // Sphinx
      else if (node.matches(".latex, .tex, .mwe-math-fallback-image-inline, .mwe-math-fallback-image-display, .mwe-tex") && /[\\^_=]/.test(alt)) text = alt;
      else if (/^\s*(\\begin\{(?!figure|table).+\}|\$.+\$|\\\(.+\\\)|\\\[.+\\\])\s*$/s.test(alt)) text = alt;
      text = text.replace(/<br\s*\/?>/gi, "\n").replace(/&space;/g, " ");
      if (!text.trim() || /\\includegraphics|\\begin\{(figure|table|tabular)/.test(text)) continue;
      add(node, node.parentElement, {
        oracle: "static:image",
        format: "tex",
        display: alone(node),
        text,
        mathml: "",
      });
    } else if (tag === "dt-math" || tag === "d-math" || tag === "tex-math") {
      add(node, node.parentElement, {
        oracle: "static:element",
        format: "tex",
        display: node.hasAttribute("block") || Boolean(ancestor(node, "disp-formula")),
        text: node.textContent,
        mathml: "",
      });
    } else {
      const text = node.getAttribute("data-tex") ?? node.getAttribute("data-latex") ??
        node.getAttribute("data-expr") ?? node.textContent;
      if (node.closest("math") || !text.trim() || node.matches("input, textarea, button")) continue;
      if (!node.matches(".mathquill-embedded-latex, .ztext-math, [data-tex], [data-latex]")) continue;
      add(node, node.parentElement, {
        oracle: "static:attribute",
        format: "tex",
        display: /\\\[|^\$\$/.test(node.textContent) || node.matches(".display, .block") || alone(node),
        text,
        mathml: "",
      });
    }
  }

  // LaTeXML lays an aligned equation out as rows of cells: each row is one displayed formula
  for (const row of rows) {
    const parts = inRow.get(row);
    if (!parts) continue;
    const inner = parts.map(([, mathml]) => mathml.replace(/<\/?math[^>]*>/g, ""));
    add(row, row.parentElement, {
      oracle: "static:latexml",
      format: "tex",
      display: true,
      text: parts.map(([text]) => text).join(" "),
      mathml: `<math>${inner.join("")}</math>`,
    });
  }

  // --- in document order, with where each stands
  const CHROME =
    "nav, footer, aside, [role=navigation], [role=banner], [role=contentinfo], [role=search], " +
    "[id*=sidebar i], [class*=sidebar i], [id*=navbox i], [class*=navbox i], [class*=related i], " +
    "[class*=menu i], [class*=footer i], [id*=footer i], [id*=hot-network i]";
  const before = (a, b) => {
    if (a.node === b.node) return 0;
    return a.node.compareDocumentPosition(b.node) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1;
  };
  return found.sort(before).map(({ node, element, ...fields }) => {
    const place = element?.closest?.(CHROME);
    return {
      ...fields,
      visible: element?.checkVisibility?.({ visibilityProperty: true }) ?? true,
      chrome: Boolean(place) && place.localName !== "body" && place.localName !== "html"
        && !place.querySelector("main, article, h1"),
      code: Boolean(element?.closest?.("pre, code, textarea")),
    };
  });
}
