// Searches as molthub's search_text.py and search_lists.py do: the same rows in the same order.
const PLACES = ["name", "tags", "description", "words"]; // 2 to 5; 0 is the name itself, 1 its beginning
const LISTS = 2;
const JOINED = /[0-9a-z]/;
const ALL = ["tag", "mcp"]; // each of these filters must be met, of the others of one kind any
const bare = (name) => name.slice(name.lastIndexOf("/") + 1);
const unique = (items) => [...new Set(items)];

export const FILTERS = { tag: "tags", owner: "owners", mcp: "mcpServers", platform: "platforms", status: "status" };
export const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

// --- what a query means
const termsOf = (query) => unique(query.toLowerCase().split(/\s+/).filter(Boolean));
const tokens = (text) => [...text.matchAll(/[0-9a-z]+[+#]*|[\p{L}\p{N}](?=(.{0,2}))/gsu)].map((m) => m[0] + (m[1] || ""));

const textsOf = (row) => (row.texts ??= PLACES.map((field) => [row[field] || ""].flat().join("\n").toLowerCase()));

function beginsWord(text, term) {
  let at = text.indexOf(term);
  while (at > 0 && JOINED.test(text[at - 1])) at = text.indexOf(term, at + 1);
  return at >= 0;
}

function placeOf(row, term) {
  const name = bare(row.name);
  if (term === row.name || term === name) return 0;
  if (row.name.startsWith(term) || name.startsWith(term)) return 1;
  const at = textsOf(row).findIndex((text) => beginsWord(text, term));
  return at < 0 ? null : at + 2;
}

function weightOf(row, terms) {
  let weight = 0;
  for (const term of terms) {
    const place = placeOf(row, term);
    if (place === null) return null;
    weight += place;
  }
  return [row.name, bare(row.name)].includes(terms.join("-")) ? 0 : weight;
}

const valuesOf = (row, key) => [row[FILTERS[key]] || (key === "status" ? "active" : [])].flat();

function keeps(row, filters) {
  const met = ([key, value]) => valuesOf(row, key).some((one) => one.toLowerCase() === value);
  return filters.every((one) =>
    met(one) || (one[0] === "platform" && !row.platforms) ||
    (!ALL.includes(one[0]) && filters.some((other) => other[0] === one[0] && met(other))));
}

const rank = (rows, query, filters) => {
  const terms = termsOf(query);
  return rows
    .filter((row) => keeps(row, filters))
    .map((row) => ({ row, weight: weightOf(row, terms) }))
    .filter((found) => found.weight !== null)
    .sort((a, b) => a.weight - b.weight || order(a.row.name, b.row.name) || order(b.row.kind, a.row.kind))
    .map((found) => found.row);
};

// --- misspelled words
const mendable = (term) => /^[a-z]{4,}$/.test(term);
const holds = (rows, term) => rows.some((row) => textsOf(row).some((text) => beginsWord(text, term)));

function oneEdit(term, word) {
  if (Math.abs(term.length - word.length) > 1 || term === word) return false;
  const shorter = Math.min(term.length, word.length);
  let head = 0;
  let tail = 0;
  while (head < shorter && term[head] === word[head]) head++;
  while (tail < shorter - head && term.at(-1 - tail) === word.at(-1 - tail)) tail++;
  const left = term.slice(head, term.length - tail);
  const right = word.slice(head, word.length - tail);
  return Math.max(left.length, right.length) === 1 || (left.length === 2 && left === right[1] + right[0]);
}

function nearest(term, words) {
  const near = [];
  for (const [word, count] of Object.entries(words)) {
    if (word[0] !== term[0] || word.length < term.length - 1) continue;
    const whole = oneEdit(term, word);
    if (whole || [-1, 0, 1].some((more) => oneEdit(term, word.slice(0, term.length + more)))) near.push([!whole, count, word]);
  }
  near.sort((a, b) => a[0] - b[0] || b[1] - a[1] || order(a[2], b[2]));
  return near.length ? near[0][2] : null;
}

function vocabulary(rows) {
  const counts = Object.create(null);
  const named = new Set();
  for (const row of rows) {
    const words = textsOf(row).map((text) => tokens(text).filter((word) => /^[a-z]{3,}$/.test(word)));
    words.slice(0, 2).flat().forEach((word) => named.add(word));
    for (const word of new Set(words.flat())) counts[word] = (counts[word] || 0) + 1;
  }
  const kept = ([word, count]) => named.has(word) || count > Math.floor(rows.length / 1000);
  return Object.fromEntries(Object.entries(counts).filter(kept));
}

function mend(query, missing, words) {
  const mended = Object.create(null);
  for (const term of missing) {
    const word = nearest(term, words);
    if (word) mended[term] = word;
  }
  return [termsOf(query).map((term) => mended[term] ?? term).join(" "), mended];
}

// --- the lists of the index
const fetched = new Map();
function list(name) {
  if (!fetched.has(name)) fetched.set(name, unpacked(name));
  return fetched.get(name);
}

async function unpacked(name) {
  const answer = await fetch(`search/${name}.json.gz`);
  if (!answer.ok) throw new Error(`search list: ${answer.status}`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  // A host that says Content-Encoding: gzip has had it unpacked already.
  if (bytes[0] !== 0x1f) return JSON.parse(new TextDecoder().decode(bytes));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

const kindOf = (kind) => (row) => Object.assign(row, { kind });
const rowsOf = async (name) => {
  const found = await list(name);
  return (found.rows ??= [...found.skills.map(kindOf("skill")), ...found.packs.map(kindOf("pack"))]);
};

let root;

// Filters are pairs of a key of FILTERS and a value in lower case.
export async function find(query, filters) {
  root ??= await (await fetch("registry.json")).json();
  if ("directory" in root.search) return findInMany(await list(root.search.directory), query, filters);
  const rows = await rowsOf(root.search[""]);
  const missing = termsOf(query).filter((term) => mendable(term) && !holds(rows, term));
  const [meant, mended] = missing.length ? mend(query, missing, vocabulary(rows)) : [query, {}];
  const found = rank(rows, meant, filters);
  return { rows: found, total: found.length, complete: true, mended };
}

async function findInMany(directory, query, filters) {
  const { whole, best } = directory;
  const keys = Object.keys(best).sort(order);
  const lists = new Map();
  const slice = (key) => ({ list: best[key][0], count: best[key][1], whole: false });
  const longer = (word) => {
    const key = keys.find((one) => one >= word);
    return key !== undefined && key.startsWith(word) ? slice(key) : null;
  };
  const place = (word) => {
    for (let end = word.length; end >= 0; end--) {
      const key = word.slice(0, end);
      if (Object.hasOwn(whole, key)) return { list: whole[key], count: 0, whole: true };
      if (Object.hasOwn(best, key)) return end === word.length ? slice(key) : longer(word);
    }
    return longer(word);
  };
  const rows = async (slices) => {
    for (const { list } of slices) lists.set(list, await rowsOf(directory.lists[list]));
    return [...new Map([...lists.values()].flat().map((row) => [`${row.kind}/${row.name}`, row])).values()];
  };

  let meant = query;
  let mended = {};
  const known = (term) => Object.keys(directory.words).some((word) => word.startsWith(term));
  const unknown = termsOf(query).find((term) => mendable(term) && !known(term));
  if (unknown) {
    const at = place(unknown);
    if (!(at && holds(await rows([at]), unknown))) [meant, mended] = mend(query, [unknown], directory.words);
  }
  const words = unique(termsOf(meant).flatMap(tokens));
  const tags = filters.filter(([key]) => key === "tag").flatMap(([, value]) => tokens(value));
  const alike = (key) => filters.filter((filter) => filter[0] === key).length;
  const sharp = ([key]) => key === "mcp" || (["owner", "status"].includes(key) && alike(key) === 1);
  const facets = filters.filter(sharp).map(([key, value]) => `@${key}/${value}`);
  const wanted = [...termsOf(meant).flatMap(tokens), ...tags, ...facets];
  const slices = (wanted.length ? wanted : [""]).map(place);
  if (slices.includes(null)) return { rows: [], total: 0, complete: true, mended };
  const wholes = slices.filter((one) => one.whole);
  if (wholes.length) {
    const found = rank(await rows([wholes.find((one) => lists.has(one.list)) || wholes[0]]), meant, filters);
    return { rows: found, total: found.length, complete: true, mended };
  }
  const byCount = (a, b) => a.count - b.count;
  const pairs = words.sort(order).flatMap((a, i) => words.slice(i + 1).map((b) => `${a} ${b}`));
  const both = pairs.filter((pair) => Object.hasOwn(best, pair)).map(slice).sort(byCount).slice(0, 1);
  const name = words.length > 1 && !both.length ? place(termsOf(meant).join("-")) : null;
  const together = name ? [name] : both;
  const toRead = [...new Map([...together, ...[...slices].sort(byCount)].map((one) => [one.list, one])).values()];
  const found = rank(await rows(toRead.slice(0, LISTS - lists.size)), meant, filters);
  const alone = slices.length === 1 && !filters.length;
  return { rows: found, total: alone ? slices[0].count : found.length, complete: false, mended };
}
