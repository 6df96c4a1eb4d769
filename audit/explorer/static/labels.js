// Keys of the labelling page: each names a button or field and does what a click on it would.
(() => {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.matches("input, textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const target = document.querySelector(`#labelling [data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input")) target.focus();
    else target.click();
  });
  // The next document: from its top, and said to who doesn't see it.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "labelling") return;
    document.getElementById("label-title")?.focus({ preventScroll: true });
    document.getElementById("labelling").scrollIntoView({ block: "start" });
    htmx.trigger(document.body, "labelled");
  });
})();
