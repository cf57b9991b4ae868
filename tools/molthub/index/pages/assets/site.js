// The search box, keys, and buttons that copy. Without it everything works but searching.
const SHOWN = 60;
const FILTER = /^(tag|owner|mcp|platform|status):(.+)$/i;

const element = (name, text, properties = {}) => Object.assign(document.createElement(name), { textContent: text }, properties);
const input = document.getElementById("q");
const found = document.getElementById("found");

function parsed(text) {
  const filters = [];
  const words = text.split(/\s+/).filter((word) => {
    const [, key, value] = FILTER.exec(word) || [];
    if (key) filters.push([key.toLowerCase(), value.toLowerCase()]);
    return !key;
  });
  return [words.join(" "), filters];
}

function card(row) {
  const item = element("li", "", { className: "card" });
  item.append(element("a", row.name, { href: `${row.kind}s/${row.name}/` }));
  if (row.kind === "pack") item.append(" ", element("span", "pack", { className: "kind" }));
  if (row.latest) item.append(" ", element("span", row.latest, { className: "number" }));
  if (row.status) item.append(" ", element("span", row.status, { className: "flag" }));
  item.append(element("p", row.description || ""));
  return item;
}

function narrowing({ FILTERS, order }, rows, filters) {
  const counts = Object.create(null);
  for (const [key, field] of Object.entries(FILTERS)) {
    for (const row of rows) for (const value of new Set([row[field] || []].flat())) {
      const word = `${key}:${value.toLowerCase()}`;
      if (!/\s/.test(word)) counts[word] = (counts[word] || 0) + 1;
    }
  }
  const set = filters.map((filter) => filter.join(":"));
  const other = Object.keys(counts).filter((word) => counts[word] < rows.length && !set.includes(word));
  return [...set, ...other.sort((a, b) => counts[b] - counts[a] || order(a, b)).slice(0, 10)].map((word) => {
    const button = element("button", word, { type: "button" });
    button.setAttribute("aria-pressed", String(set.includes(word)));
    button.addEventListener("click", () => {
      const rest = input.value.split(/\s+/).filter((one) => one && one.toLowerCase() !== word);
      input.value = [...rest, ...(set.includes(word) ? [] : [word])].join(" ");
      show().then(() => [...document.querySelectorAll("#narrow button")].find((one) => one.textContent === word)?.focus());
    });
    return button;
  });
}

let asked = 0;
async function show() {
  const mine = ++asked;
  const text = input.value.trim();
  found.hidden = !text;
  document.getElementById("browse").hidden = Boolean(text);
  history.replaceState(null, "", text ? `./?q=${encodeURIComponent(text)}` : "./");
  if (!text) return;
  const said = document.getElementById("said");
  try {
    const [query, filters] = parsed(text);
    const search = await import("./search.js");
    const answer = await search.find(query, filters);
    if (mine !== asked) return;
    const mended = Object.entries(answer.mended).map(([term, word]) => `Nothing holds “${term}”: searched for “${word}”. `);
    const count = answer.total === 1 ? "1 result" : `${answer.complete ? "" : "At least "}${answer.total} results`;
    said.textContent = mended.join("") + (answer.rows.length ? `${count}${answer.rows.length > SHOWN ? `, the best ${SHOWN} shown` : ""}.` : "Nothing found. Try fewer or shorter words.");
    document.getElementById("narrow").replaceChildren(...narrowing(search, answer.rows, filters));
    document.getElementById("rows").replaceChildren(...answer.rows.slice(0, SHOWN).map(card));
  } catch (error) {
    if (mine === asked) said.textContent = `The search list cannot be read (${error.message}). Everything is listed under Skills.`;
  }
}

if (found) {
  const given = new URLSearchParams(location.search).get("q");
  if (given) input.value = given;
  input.addEventListener("input", show);
  input.form.addEventListener("submit", (event) => event.preventDefault());
  if (input.value) show();
}

document.addEventListener("keydown", (event) => {
  const links = [...document.querySelectorAll("#rows a")];
  const at = links.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "/" && !/^(input|textarea|select)$/i.test(document.activeElement.tagName) && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    input.focus();
  } else if (step && links.length && (at >= 0 || document.activeElement === input)) {
    event.preventDefault();
    (links[at + step] || (step < 0 ? input : links[at])).focus();
  }
});

for (const box of document.querySelectorAll(".command")) {
  const code = box.querySelector("code");
  const button = element("button", "Copy", { type: "button" });
  button.setAttribute("aria-label", `Copy: ${code.textContent}`);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  box.append(button);
}
