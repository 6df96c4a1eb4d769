// Light or dark before anything is drawn: what the person chose, else what the system says.
(() => {
  const root = document.documentElement;
  const stored = () => {
    try { return localStorage.getItem("proofmill-theme"); } catch { return null; }
  };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    root.dataset.theme = stored() || (system.matches ? "dark" : "light");
    document.dispatchEvent(new Event("themechange"));
  };
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const next = root.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("proofmill-theme", next); } catch { /* private window: for this page */ }
    root.dataset.theme = next;
    document.dispatchEvent(new Event("themechange"));
  });
})();
