// The histogram of a stage's scores, and its threshold as a line to be moved by mouse, finger or keys.
(() => {
  const chart = document.getElementById("chart");
  if (!chart) return;
  const bins = JSON.parse(chart.dataset.bins);
  const scale = JSON.parse(chart.dataset.scale);
  const mark = JSON.parse(chart.dataset.mark);
  const drawing = chart.querySelector(".drawing");
  const slider = document.getElementById("threshold");
  const number = document.getElementById("threshold-number");
  const form = document.getElementById("what-if-form");
  const roots = document.getElementById("roots");
  const run = Number(chart.dataset.run);
  let view = null;

  // A bin of no width (all scores are equal) still wants a bar.
  const width = (bin) => (bin.high > bin.low ? bin.high : bin.low + (scale.high - scale.low) / 40);
  const values = bins.flatMap((bin) => [
    { low: bin.low, high: width(bin), verdict: "passed", n: bin.kept },
    { low: bin.low, high: width(bin), verdict: "dropped", n: bin.dropped },
  ]);
  for (const pair of bins.keys()) {
    const [passed, dropped] = [values[2 * pair], values[2 * pair + 1]];
    passed.from = 0;
    passed.to = passed.n;
    dropped.from = passed.n;
    dropped.to = passed.n + dropped.n;
  }

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Marks of a logarithmic axis: powers of ten, with steps between them where they are few.
  const decades = () => {
    const [first, last] = [Math.floor(Math.log10(scale.low)), Math.ceil(Math.log10(scale.high))];
    const steps = last - first > 4 ? [1] : last - first > 2 ? [1, 3] : [1, 2, 5];
    const powers = Array.from({ length: last - first + 1 }, (_, n) => 10 ** (first + n));
    return powers.flatMap((power) => steps.map((step) => step * power));
  };

  const spec = () => ({
    width: "container",
    height: chart.clientWidth < 480 ? 200 : 300,
    autosize: { type: "fit-x", contains: "padding" },
    background: null,
    data: { values },
    mark: { type: "bar", tooltip: false },
    encoding: {
      x: {
        field: "low", type: "quantitative", title: "score", bin: "binned",
        scale: { type: scale.logarithmic ? "log" : "linear", domain: [scale.low, scale.high], nice: false, ...(scale.logarithmic ? {} : { zero: false }) },
        axis: {
          labelFlush: true, labelOverlap: true,
          ...(scale.logarithmic ? { values: decades() } : { tickCount: 8 }),
          labelExpr: "abs(datum.value) >= 1000 ? format(datum.value, '~s') : format(datum.value, '.3~g')",
        },
      },
      x2: { field: "high" },
      y: {
        field: "from", type: "quantitative", title: "documents",
        scale: { type: roots.checked ? "sqrt" : "linear" }, axis: { tickCount: 5, tickMinStep: 1, format: "~s" },
      },
      y2: { field: "to" },
      color: {
        field: "verdict", type: "nominal", legend: null,
        scale: { domain: ["passed", "dropped"], range: [colour("--kept"), colour("--dropped")] },
      },
    },
    config: {
      font: "system-ui, sans-serif",
      view: { stroke: null },
      bar: { binSpacing: 1 },
      axis: {
        labelColor: colour("--quiet"), titleColor: colour("--quiet"), titleFontWeight: "normal",
        gridColor: colour("--rule"), domainColor: colour("--rule"), tickColor: colour("--rule"), labelFontSize: 12, titleFontSize: 12,
      },
      axisX: { grid: false },
    },
  });

  // Where the plot begins in the drawing: the axes' room, and the padding around all.
  const corner = () => {
    const [x, y] = view.origin();
    const { left, top } = view.padding();
    return [x + left, y + top];
  };

  const place = (line, value) => {
    if (!line) return;
    const [left, top] = corner();
    const x = view.scale("x")(Math.min(Math.max(value, scale.low), scale.high));
    line.style.left = `${drawing.offsetLeft + left + x}px`;
    line.style.top = `${drawing.offsetTop + top}px`;
    line.style.height = `${view.height()}px`;
    line.hidden = false;
  };

  const current = () => Number(slider.getAttribute("aria-valuenow"));

  const placeAll = () => {
    if (slider) place(slider, current());
    if (chart.dataset.run) place(chart.querySelector(".line.was"), run);
    chart.dataset.ready = "yes";
    if (mark !== null) place(chart.querySelector(".line.mark"), mark);
  };

  const draw = async () => {
    const made = await vegaEmbed(drawing, spec(), {
      ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: false,
    });
    view = made.view;
    // What is drawn is described by the label around it and by the table.
    drawing.querySelector("svg")?.setAttribute("aria-hidden", "true");
    placeAll();
  };

  // As many digits as tell it from its neighbours.
  const rounded = (value) => Number(value.toPrecision(4));

  const moveTo = (value, { typed = false } = {}) => {
    if (!Number.isFinite(value)) return;
    // Typed values may lie outside of what is drawn; the line then stands at the end.
    const kept = typed ? value : rounded(Math.min(Math.max(value, scale.low), scale.high));
    slider.setAttribute("aria-valuenow", String(kept));
    slider.setAttribute("aria-valuetext", String(kept));
    if (!typed) number.value = String(kept);
    if (view) place(slider, kept);
    htmx.trigger(form, "moved");
    const address = new URL(location.href);
    address.searchParams.set("setting", form.elements.setting.value);
    address.searchParams.set("value", String(kept));
    history.replaceState(history.state, "", address);
  };

  const stepped = (steps) => {
    const [low, high, at] = [scale.low, scale.high, Math.min(Math.max(current(), scale.low), scale.high)];
    if (scale.logarithmic) return at * (high / low) ** (steps / scale.steps);
    return at + ((high - low) * steps) / scale.steps;
  };

  if (slider) {
    const keys = {
      ArrowRight: () => stepped(1), ArrowUp: () => stepped(1),
      ArrowLeft: () => stepped(-1), ArrowDown: () => stepped(-1),
      PageUp: () => stepped(10), PageDown: () => stepped(-10),
      Home: () => scale.low, End: () => scale.high,
    };
    slider.addEventListener("keydown", (event) => {
      const target = keys[event.key];
      if (!target || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      moveTo(target());
    });
    const at = (event) => {
      const left = drawing.getBoundingClientRect().left + corner()[0];
      return view.scale("x").invert(event.clientX - left);
    };
    let held = false;
    slider.addEventListener("pointerdown", (event) => {
      held = true;
      slider.setPointerCapture(event.pointerId);
      slider.focus();
      event.preventDefault();
    });
    slider.addEventListener("pointermove", (event) => {
      if (held) moveTo(at(event));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      slider.addEventListener(end, () => { held = false; });
    }
    drawing.addEventListener("click", (event) => moveTo(at(event)));
    number.addEventListener("input", () => moveTo(number.valueAsNumber, { typed: true }));
    document.getElementById("reset").addEventListener("click", (event) => {
      number.value = event.currentTarget.dataset.value;
      moveTo(Number(number.value), { typed: true });
    });
  }
  roots.addEventListener("change", draw);
  document.addEventListener("themechange", draw);
  new ResizeObserver(() => { if (view) { view.resize(); requestAnimationFrame(placeAll); } }).observe(chart);
  draw();
})();
