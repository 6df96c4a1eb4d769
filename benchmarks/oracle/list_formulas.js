// Lists the formulas of pages, as the pages' own libraries find them, in headless Chromium.
//
//   node list_formulas.js --modules node_modules --out truth.jsonl < pages.txt
//
// pages.txt names a file a line. Nothing is fetched from the network: requests for MathJax and
// KaTeX are answered from npm packages, everything else is refused.

import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import { listing, settled } from "./listing.js";
import { localFile, versions } from "./libraries.js";

const options = Object.fromEntries(
  process.argv.slice(2).flatMap((word, index, words) =>
    word.startsWith("--") ? [[word.slice(2), words[index + 1]]] : [],
  ),
);
const modules = path.resolve(options.modules ?? "node_modules");
const executablePath = options.browser ?? "/usr/bin/chromium";
const jobs = Number(options.jobs ?? 2);
const patience = Number(options.patience ?? 25) * 1000;
const ADDRESS = "http://page.invalid/page.html";

// KaTeX drops the source with output "html"; the page's other settings stay as they are.
const KATEX_TAIL = `
;(() => {
  const katex = globalThis.katex;
  if (!katex || katex.__listed) return;
  katex.__listed = true;
  for (const name of ["render", "renderToString"]) {
    const original = katex[name];
    katex[name] = (...words) => {
      const last = name === "render" ? 2 : 1;
      words[last] = { ...words[last], output: "htmlAndMathml" };
      return original(...words);
    };
  }
})();`;

/** The page's bytes with what would keep a local library from being loaded taken away. */
function prepared(bytes) {
  return Buffer.from(
    bytes
      .toString("latin1")
      .replace(/\sintegrity\s*=\s*(?:"[^"]*"|'[^']*')/gi, "")
      .replace(/\bsrc\s*=\s*(["'])file:\/\/\//gi, "src=$1http://file.invalid/")
      .replace(/<meta[^>]+http-equiv\s*=\s*["']?(?:refresh|content-security-policy)[^>]*>/gi, ""),
    "latin1",
  );
}

/** What a server that knows its pages would say: UTF-8 where the page is and doesn't say so. */
function contentType(bytes) {
  if (/charset/i.test(bytes.subarray(0, 4096).toString("latin1"))) return "text/html";
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return "text/html; charset=utf-8";
  } catch {
    return "text/html";
  }
}

async function formulasOf(browser, file) {
  const bytes = fs.readFileSync(file);
  const record = {
    page: file,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    library: "", version: "", end: "", formulas: [], error: "",
  };
  const context = await browser.newContext({ serviceWorkers: "block", viewport: { width: 1200, height: 1600 } });
  const roots = new Map();
  const served = new Set();
  const refused = [];
  const tab = await context.newPage();
  tab.on("dialog", (dialog) => dialog.dismiss().catch(() => {}));
  await context.route("**/*", async (route) => {
    const request = route.request();
    const address = request.url();
    try {
      if (address.split("#")[0] === ADDRESS && request.isNavigationRequest() && request.frame() === tab.mainFrame()) {
        return await route.fulfill({ body: prepared(bytes), contentType: contentType(bytes) });
      }
      const local = /^https?:/.test(address) ? localFile(address, roots, modules) : null;
      if (!local) {
        if (request.resourceType() === "script") refused.push(address);
        return await route.abort();
      }
      const { library, file } = local;
      served.add(library);
      let body = fs.readFileSync(file);
      if (/^katex(\.min)?\.js$/.test(path.basename(local.file))) body = body + KATEX_TAIL;
      return await route.fulfill({
        body,
        contentType: local.type,
        headers: { "access-control-allow-origin": "*" },
      });
    } catch {
      return undefined;
    }
  });
  try {
    await tab.goto(ADDRESS, { waitUntil: "load", timeout: patience }).catch((error) => {
      record.error = String(error.message).split("\n")[0];
    });
    Object.assign(record, await tab.evaluate(settled, patience));
    record.formulas = await tab.evaluate(listing);
    record.served = [...served].sort();
    record.refused = refused;
    if (options.screenshots) {
      const name = path.basename(file).replace(/\.html?$/, "") + ".png";
      await tab.screenshot({ path: path.join(options.screenshots, name), fullPage: options.full === "1" });
    }
  } catch (error) {
    record.error = String(error.message).split("\n")[0];
  } finally {
    await context.close().catch(() => {});
  }
  return record;
}

async function main() {
  const pages = fs.readFileSync(0, "utf8").split("\n").filter(Boolean);
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "oracle-"));
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
      "--disable-background-networking", "--disable-component-update", `--disk-cache-dir=${profile}`,
    ],
  });
  const out = fs.openSync(options.out, "w");
  fs.writeSync(out, JSON.stringify({ browser: browser.version(), packages: versions(modules) }) + "\n");
  let next = 0;
  const results = new Array(pages.length);
  let written = 0;
  const work = async () => {
    while (next < pages.length) {
      const index = next++;
      const limit = new Promise((done) =>
        setTimeout(() => done({ page: pages[index], formulas: [], error: "out of time" }), 4 * patience),
      );
      results[index] = await Promise.race([formulasOf(browser, pages[index]), limit]);
      while (written < pages.length && results[written]) {
        fs.writeSync(out, JSON.stringify(results[written]) + "\n");
        written += 1;
      }
      const { library, end, formulas, error } = results[index];
      console.error(`${index + 1}/${pages.length} ${path.basename(pages[index])}: ${formulas.length} ${library} ${end} ${error}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  fs.closeSync(out);
  await browser.close();
  fs.rmSync(profile, { recursive: true, force: true });
  process.exit(0);
}

await main();
