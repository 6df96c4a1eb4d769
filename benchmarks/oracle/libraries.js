// Which file of which npm package answers a page's request for a mathematics library.

import fs from "node:fs";
import path from "node:path";

const PACKAGES = ["mathjax2", "mathjax3", "mathjax4", "katex"];

const TYPES = {
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".otf": "font/otf",
};

// MathJax 3 and 4 load their parts from "es5/" or from the folder of the component that a page
// names; MathJax 2 is always MathJax.js and what lies beside it.
const COMPONENT =
  /^(?:latest|startup|core|loader|(?:tex|mml|asciimath)(?:-[a-z0-9-]+)?|input\/.*|output\/.*|ui\/.*|a11y\/.*|sre\/.*|adaptors\/.*)(?:\.js)?$/;

/**
 * Finds the local file for an address.
 *
 * @param {string} address the address that the page asks for, any host
 * @param {Map<string, string>} roots where this page's MathJax lies: address prefix to package;
 *   filled in when its first script is asked for
 * @param {string} modules the node_modules folder
 * @returns {{file: string, type: string, library: string} | null}
 */
export function localFile(address, roots, modules) {
  const url = new URL(address);
  // jsDelivr minifies any file on request
  const where = (url.origin + decodeURI(url.pathname)).replace(/(mathjax.*)\.min\.js$/i, "$1.js");
  for (const [root, name] of roots) {
    if (where.startsWith(root)) {
      return existing(modules, name, where.slice(root.length));
    }
  }
  const katex = /\/(katex(?:\.min)?\.js|contrib\/[a-z0-9-]+(?:\.min)?\.js|(?:auto-render|mathtex-script-type|mhchem)(?:\.min)?\.js)$/.exec(
    where,
  );
  if (katex) {
    const name = path.basename(katex[1]);
    return existing(modules, "katex", "dist/" + (name.startsWith("katex") ? name : "contrib/" + name));
  }
  const two = /^(.*\/)MathJax(?:\.min)?\.js$/i.exec(where) ?? /^(.*\/2\.\d[^/]*\/)latest\.js$/i.exec(where);
  if (two) {
    roots.set(two[1], "mathjax2");
    return existing(modules, "mathjax2", "MathJax.js");
  }
  const later = /^(.*mathjax.*?\/(?:es5\/)?)([^/]+(?:\.js)?)$/i.exec(where);
  if (later && COMPONENT.test(later[2])) {
    const name = /mathjax[@/-]?v?4|\/4\.\d/i.test(where) ? "mathjax4" : "mathjax3";
    const root = name === "mathjax3" ? "mathjax3/es5" : "mathjax4";
    roots.set(later[1], root);
    const file = later[2].endsWith(".js") ? later[2] : later[2] + ".js";
    return existing(modules, root, file) ?? existing(modules, root, "tex-mml-chtml.js");
  }
  return null;
}

function existing(modules, root, relative) {
  const file = path.normalize(path.join(modules, root, relative));
  if (!file.startsWith(modules + path.sep) || !fs.existsSync(file) || !fs.statSync(file).isFile()) {
    return null;
  }
  return {
    file,
    type: TYPES[path.extname(file)] ?? "application/octet-stream",
    library: PACKAGES.find((name) => root.startsWith(name)) ?? root,
  };
}

/** The versions of the packages, for the record. */
export function versions(modules) {
  return Object.fromEntries(
    PACKAGES.map((name) => [
      name,
      JSON.parse(fs.readFileSync(path.join(modules, name, "package.json"), "utf8")).version,
    ]),
  );
}
