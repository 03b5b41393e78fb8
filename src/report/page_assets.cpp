#include "report/page_assets.h"

namespace glint::html {

// Okabe and Ito's colours; those too dark for a dark ground are lightened there.
std::string_view page_style() {
  return R"css(
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --box: #f6f8fa;
  --link: #0059a0; --good: #00734f; --bad: #a84300; --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #cc79a7;
  --c4: #e69f00; --c5: #56b4e9; --c6: #1b1f24; --c7: #b3a500; --mark: 0, 114, 178; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14181d; --ink: #e3e8ee; --soft: #9aa5b1; --line: #363f4a; --box: #1c2229; --link: #7cc4ff;
    --good: #4cc9a0; --bad: #ff9b57; --c0: #4aa3e0; --c1: #f0803c; --c2: #2cc49a; --c3: #dd95bd; --c4: #e69f00;
    --c5: #7cc8f2; --c6: #e3e8ee; --c7: #f0e442; --mark: 74, 163, 224; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .5rem; }
p, ul, dl { max-width: 48rem; }
a { color: var(--link); }
.lead { font-size: 1.1rem; }
.soft, figcaption, caption { color: var(--soft); }
.mono, code, pre { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: .85em; }
pre { overflow-x: auto; padding: .5rem .75rem; background: var(--box); border-radius: 6px; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; list-style: none; max-width: none; }
.scroll { overflow-x: auto; margin: .75rem 0; max-width: 100%; }
.scroll:focus-visible, button:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; padding: .25rem 0; }
caption span { display: block; position: sticky; left: 0; max-width: min(48rem, calc(100vw - 2.5rem)); }
th, td { padding: .3rem .65rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
td, tbody th { min-width: 3rem; max-width: 32rem; overflow-wrap: break-word; }
tbody th { font-weight: 500; }
thead th { border-bottom: 2px solid var(--line); vertical-align: bottom; }
.n { text-align: right; white-space: nowrap; } thead .n { white-space: normal; }
.w { white-space: nowrap; } .wide { min-width: 16rem; } .n small { display: block; color: var(--soft); }
th button { all: unset; cursor: pointer; font: inherit; }
th button::after { content: "\2195"; color: var(--soft); padding-left: .25em; font-weight: 400; }
th[aria-sort=ascending] button::after { content: "\2191"; color: inherit; }
th[aria-sort=descending] button::after { content: "\2193"; color: inherit; }
input.search { font: inherit; padding: .25rem .5rem; width: 20rem; max-width: 100%; color: inherit; background: var(--box);
  border: 1px solid var(--line); border-radius: 6px; }
.good { color: var(--good); } .bad { color: var(--bad); }
details { margin: .4rem 0; } summary { cursor: pointer; color: var(--link); width: fit-content; max-width: 100%; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 1rem 2rem; }
figure { margin: .75rem 0; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; max-width: 34rem; }
figcaption { font-size: .9rem; }
svg text { font-family: inherit; }
svg .label { paint-order: stroke; stroke: var(--ground); stroke-width: 3px; stroke-linejoin: round; }
.s0 { --c: var(--c0); } .s1 { --c: var(--c1); } .s2 { --c: var(--c2); } .s3 { --c: var(--c3); }
.s4 { --c: var(--c4); } .s5 { --c: var(--c5); } .s6 { --c: var(--c6); } .s7 { --c: var(--c7); }
svg .f { fill: var(--c); } svg .k { stroke: var(--c); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); gap: 1rem; }
.card { border: 1px solid var(--line); border-radius: 8px; padding: .75rem 1rem; min-width: 0; break-inside: avoid; }
.card h3, .card h4 { margin: 0 0 .4rem; font-size: 1rem; } .card p { margin: .3rem 0; }
.strip { margin: .5rem 0; } .card img { display: block; width: 100%; max-width: 640px; height: auto; border-radius: 4px;
  background: var(--box); }
.strip.truth { border-left: 4px solid var(--good); padding-left: .5rem; }
.strip.answer { border-left: 4px solid var(--line); padding-left: .5rem; }
.weights { display: flex; max-width: 640px; gap: 1px; margin: 2px 0; font-size: .65rem; }
.weights span { flex: 1 1 0; min-width: 0; overflow: hidden; text-align: center; }
.word { padding: 0 .15em; border-radius: 3px; } .word small { color: var(--soft); padding-left: .15em; }
.a0 { background: rgba(var(--mark), 0); } .a1 { background: rgba(var(--mark), .08); } .a2 { background: rgba(var(--mark), .14); }
.a3 { background: rgba(var(--mark), .2); } .a4 { background: rgba(var(--mark), .26); } .a5 { background: rgba(var(--mark), .32); }
.a6 { background: rgba(var(--mark), .38); } .a7 { background: rgba(var(--mark), .44); } .a8 { background: rgba(var(--mark), .5); }
.a9 { background: rgba(var(--mark), .56); }
.hidden { display: none; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .9rem; }
@media print {
  :root { --ground: #fff; --ink: #000; --soft: #444; --line: #bbb; --box: #f3f3f3; --link: #000; --good: #00543a; --bad: #8a3700;
    --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #cc79a7; --c4: #e69f00; --c5: #56b4e9; --c6: #000; --c7: #b3a500;
    --mark: 0, 114, 178; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, input.search, th button::after { display: none; }
  h2, h3 { break-after: avoid; } figure, tr { break-inside: avoid; }
  .scroll { overflow: visible; } table { font-size: 8pt; } th, td { padding: .15rem .4rem; }
  .charts { grid-template-columns: 1fr 1fr; } .cards { grid-template-columns: 1fr 1fr; }
}
)css";
}

std::string_view page_script() {
  return R"js(
(() => {
  "use strict";
  const key = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.key ?? cell.textContent.trim();
    const number = Number(text);
    return text !== "" && !Number.isNaN(number) ? number : text;
  };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b
    : typeof a === typeof b ? a.localeCompare(b) : typeof a === "number" ? -1 : 1;
  for (const table of document.querySelectorAll("table.sort")) {
    const body = table.tBodies[0];
    if (!body || body.rows.length < 2) continue;
    const headings = table.tHead.rows[0].cells;
    [...headings].forEach((heading, column) => {
      if (!heading.textContent.trim()) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const up = heading.getAttribute("aria-sort") !== "ascending";
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = [...body.rows].map(row => [key(row, column), row]);
        rows.sort((a, b) => up ? compare(a[0], b[0]) : compare(b[0], a[0]));
        body.append(...rows.map(([, row]) => row));
      });
    });
  }
  for (const table of document.querySelectorAll("table.filter")) {
    const rows = [...table.tBodies[0].rows];
    const input = document.createElement("input");
    input.type = "search";
    input.className = "search";
    input.placeholder = "Show rows with these words";
    input.setAttribute("aria-label", "Show rows with these words");
    table.parentElement.before(input);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.classList.toggle("hidden", !words.every(word => text.includes(word)));
      }
    });
  }
})();
)js";
}

}  // namespace glint::html
