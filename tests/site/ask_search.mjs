// Runs the page's own search over the files of a folder: queries in, names out, both as JSON.
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [folder, queries] = process.argv.slice(2);
let fetches = 0;
globalThis.fetch = async (path) => {
  fetches += 1;
  return new Response(await readFile(`${folder}/${path}`));
};
const { find } = await import(pathToFileURL(`${folder}/assets/search.js`));
const answers = [];
for (const { query, filters } of JSON.parse(await readFile(queries, "utf8"))) {
  const { rows, total, complete, mended } = await find(query, filters);
  answers.push({ rows: rows.map((row) => `${row.kind}/${row.name}`), total, complete, mended });
}
console.log(JSON.stringify(answers));
