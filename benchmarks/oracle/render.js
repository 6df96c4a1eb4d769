// Renders TeX, one JSON string a line on standard input; one JSON object a line on standard output:
// whether KaTeX parses it (strict mode off), and its MathML by KaTeX and by MathJax.
//
//   node render.js --modules node_modules < fragments.jsonl > rendered.jsonl

import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";

const at = process.argv.indexOf("--modules");
const modules = path.resolve(at < 0 ? "node_modules" : process.argv[at + 1]);
const load = createRequire(path.join(modules, "here.js"));
const katex = load("katex");
load("katex/contrib/mhchem");
const { mathjax } = load("mathjax-full/js/mathjax.js");
const { TeX } = load("mathjax-full/js/input/tex.js");
const { AllPackages } = load("mathjax-full/js/input/tex/AllPackages.js");
const { liteAdaptor } = load("mathjax-full/js/adaptors/liteAdaptor.js");
const { RegisterHTMLHandler } = load("mathjax-full/js/handlers/html.js");
const { SerializedMmlVisitor } = load("mathjax-full/js/core/MmlTree/SerializedMmlVisitor.js");
const { STATE } = load("mathjax-full/js/core/MathItem.js");

RegisterHTMLHandler(liteAdaptor());
const visitor = new SerializedMmlVisitor();
const packages = AllPackages.filter((name) => !["bussproofs", "noerrors", "noundefined"].includes(name));

function convert(tex, names) {
  // A new document each time: definitions and equation labels must not reach the next formula.
  const page = mathjax.document("", { InputJax: new TeX({ packages: names }) });
  try {
    return visitor.visitTree(page.convert(tex, { display: true, end: STATE.CONVERT }), page);
  } catch {
    return "";
  }
}

function byMathJax(tex) {
  const mathml = convert(tex, packages);
  // The physics package redefines common commands, so that it's only tried where all else fails.
  return mathml && !/<merror/.test(mathml) ? mathml : convert(tex, [...packages, "physics"]);
}

function byKatex(tex) {
  const settings = { displayMode: true, strict: false, trust: true, throwOnError: true, output: "mathml" };
  try {
    return { parses: true, mathml: katex.renderToString(tex, settings), error: "" };
  } catch (error) {
    return { parses: false, mathml: "", error: String(error.message) };
  }
}

const lines = [];
for (const line of fs.readFileSync(0, "utf8").split("\n")) {
  if (!line) continue;
  const tex = JSON.parse(line);
  const { parses, mathml, error } = byKatex(tex);
  const look = tex.replace(/\\tag\*?\s*\{[^{}]*\}/g, "");
  const mathjaxMathml = byMathJax(look);
  lines.push(JSON.stringify({
    tex, parses, error, katex: look === tex ? mathml : byKatex(look).mathml, mathjax: /<merror/.test(mathjaxMathml) ? "" : mathjaxMathml,
  }));
}
fs.writeFileSync(1, lines.join("\n") + "\n");
