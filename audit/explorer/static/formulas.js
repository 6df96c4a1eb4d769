// Formulas drawn by KaTeX as they come into view. A page gave them: nothing in them is trusted.
(() => {
  const options = {
    throwOnError: true,
    strict: false,
    trust: false,
    maxSize: 20,
    maxExpand: 300,
    output: "htmlAndMathml",
  };

  const draw = (element) => {
    if (element.dataset.source !== undefined) return;
    const source = element.textContent;
    element.dataset.source = source;
    try {
      katex.render(source, element, { ...options, displayMode: element.classList.contains("display") });
    } catch (error) {
      // Its source is left to read; a formula that KaTeX can't draw may still be good LaTeX.
      element.textContent = source;
      element.classList.add("undrawn");
      element.title = String(error.message).slice(0, 200);
    }
  };

  const plain = (element) => {
    if (element.dataset.source === undefined) return;
    const mark = element.classList.contains("display") ? "$$" : "$";
    element.textContent = mark + element.dataset.source + mark;
  };

  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "800px" });

  const watch = (root) => {
    for (const element of root.querySelectorAll("[data-formulas] .formula")) watcher.observe(element);
  };

  document.addEventListener("htmx:afterSettle", (event) => watch(event.target));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-plain]");
    if (!button) return;
    const show = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(show));
    button.textContent = show ? "Show the formulas drawn" : "Show the LaTeX";
    for (const element of document.querySelectorAll("[data-formulas] .formula")) {
      if (show) {
        watcher.unobserve(element);
        if (element.dataset.source === undefined) element.dataset.source = element.textContent;
        plain(element);
      } else {
        element.textContent = element.dataset.source;
        delete element.dataset.source;
        watcher.observe(element);
      }
    }
  });
  watch(document);
})();
