#!/usr/bin/env node
/**
 * Say which changes between two OpenAPI documents break clients, as JSON.
 *
 * Input:  two OpenAPI 3.0 or 3.1 documents as JSON files.
 * Exit:   0 same or compatible, 1 breaking, 2 not two OpenAPI documents.
 */
import { readFileSync } from "node:fs";

const HELP = `usage: compare-openapi.mjs OLD NEW

Says which changes between two OpenAPI documents (JSON) break clients.
`;
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const UPPER = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
const LOWER = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];

class Unusable extends Error {}

function load(path) {
  let document;
  try {
    document = JSON.parse(readFileSync(path, "utf8").replace(/^\uFEFF/, ""));
  } catch (problem) {
    throw new Unusable(problem.code ? problem.message : `${path} is no JSON: ${problem.message}`);
  }
  if (!isMap(document) || !/^3\./.test(String(document.openapi)) || !isMap(document.paths ?? {})) throw new Unusable(`${path} is no OpenAPI 3 document`);
  return document;
}

const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const map = (value) => (isMap(value) ? value : {});
const list = (value) => (Array.isArray(value) ? value : []);
const keys = (a, b) => [...new Set([...Object.keys(map(a)), ...Object.keys(map(b))])].sort();

/** The value behind a $ref inside the document; the value itself otherwise. */
function follow(document, value, seen = new Set()) {
  const reference = map(value).$ref;
  if (typeof reference !== "string") return map(value);
  if (!reference.startsWith("#/") || seen.has(reference)) return {};
  const target = reference.slice(2).split("/").map((part) => decodeURIComponent(part).replace(/~1/g, "/").replace(/~0/g, "~"))
    .reduce((at, part) => map(at)[part], document);
  return follow(document, target, new Set([...seen, reference]));
}

function compare(oldDocument, newDocument) {
  const changes = [];
  const note = (level, where, rule, message) => changes.push({ level, where, rule, message });

  const types = (schema) => [...list(schema.type), ...(typeof schema.type === "string" ? [schema.type] : []), ...(schema.nullable ? ["null"] : [])].sort();

  /** direction: "request" (clients send it) or "answer" (clients read it). */
  function schemas(a, b, where, direction, trail) {
    const pair = `${map(a).$ref ?? ""}|${map(b).$ref ?? ""}`;
    if (pair !== "|" && trail.includes(pair)) return;
    const [before, after, path] = [follow(oldDocument, a), follow(newDocument, b), [...trail, pair]];
    compareTypes(before, after, where, direction);
    compareValues(before, after, where, direction);
    const [needed, needs] = [list(before.required), list(after.required)];
    for (const name of keys(before.properties, after.properties)) {
      const [had, has] = [map(before.properties)[name], map(after.properties)[name]];
      const at = `${where}.${name}`;
      if (had === undefined) {
        const must = direction === "request" && needs.includes(name);
        note(must ? "breaking" : "addition", at, must ? "required-field-added" : "field-added", must ? "clients do not send it" : "new field");
      } else if (has === undefined) {
        note(direction === "answer" ? "breaking" : "risky", at, "field-removed", direction === "answer" ? "clients read it" : "clients may send it");
      } else {
        if (direction === "request" && !needed.includes(name) && needs.includes(name)) note("breaking", at, "field-required", "became required");
        if (direction === "answer" && needed.includes(name) && !needs.includes(name)) note("breaking", at, "field-optional", "may be missing now");
        schemas(had, has, at, direction, path);
      }
    }
    if (before.items && after.items) schemas(before.items, after.items, `${where}[]`, direction, path);
    for (const word of ["allOf", "oneOf", "anyOf"]) {
      const [one, two] = [list(before[word]), list(after[word])];
      one.slice(0, two.length).forEach((part, i) => schemas(part, two[i], `${where}/${word}/${i}`, direction, path));
      if (one.length !== two.length) note("risky", where, `${word}-changed`, `${one.length} parts became ${two.length}`);
    }
  }

  function compareTypes(before, after, where, direction) {
    const [one, two] = [types(before), types(after)];
    if (one.length && two.length && one.join() !== two.join()) {
      const wider = one.every((t) => two.includes(t) || (t === "integer" && two.includes("number")));
      const narrower = two.every((t) => one.includes(t) || (t === "integer" && one.includes("number")));
      const fine = direction === "request" ? wider : narrower;
      note(fine ? "risky" : "breaking", where, "type-changed", `${one.join("|")} became ${two.join("|")}`);
    }
    if (before.format && after.format && before.format !== after.format) note("breaking", where, "format-changed", `${before.format} became ${after.format}`);
  }

  function compareValues(before, after, where, direction) {
    if (Array.isArray(before.enum) || Array.isArray(after.enum)) {
      const [one, two] = [before.enum, after.enum].map((values) => (Array.isArray(values) ? values.map((v) => JSON.stringify(v)) : null));
      const gone = two === null ? [] : one === null ? ["anything else"] : one.filter((v) => !two.includes(v));
      const come = one === null ? [] : two === null ? ["anything else"] : two.filter((v) => !one.includes(v));
      if (gone.length) note(direction === "request" ? "breaking" : "addition", where, "values-removed", gone.join(", "));
      if (come.length) note(direction === "answer" ? "risky" : "addition", where, "values-added", come.join(", "));
    }
    for (const [names, sign] of [[UPPER, 1], [LOWER, -1]]) {
      for (const name of names) {
        const [one, two] = [before[name], after[name]];
        if (typeof two === "number" && two !== one && direction === "request" && (typeof one !== "number" || (one - two) * sign > 0)) {
          note("breaking", where, "limit-tighter", `${name} ${one ?? "none"} became ${two}`);
        }
      }
    }
    if (direction === "request" && after.pattern && before.pattern !== after.pattern) note("risky", where, "pattern-changed", "text that was accepted may be refused");
  }

  function contents(a, b, where, direction) {
    for (const type of keys(a, b)) {
      const [had, has] = [map(a)[type], map(b)[type]];
      if (had === undefined) note("addition", where, "media-type-added", type);
      else if (has === undefined) note("breaking", where, "media-type-removed", type);
      else schemas(map(had).schema, map(has).schema, where, direction, []);
    }
  }

  /** Parameters by place and name; those of the path are part of the path. */
  function parameters(document, item, call) {
    const found = new Map();
    for (const raw of [...list(item.parameters), ...list(call.parameters)]) {
      const one = follow(document, raw);
      if (one.name && one.in && one.in !== "path") found.set(`${one.in}:${one.in === "header" ? String(one.name).toLowerCase() : one.name}`, one);
    }
    return found;
  }

  function calls(where, oldItem, newItem, before, after) {
    const [had, has] = [parameters(oldDocument, oldItem, before), parameters(newDocument, newItem, after)];
    for (const [id, one] of has) {
      const at = `${where} ${id}`;
      if (!had.has(id)) note(one.required ? "breaking" : "addition", at, one.required ? "required-parameter-added" : "parameter-added", "new parameter");
      else {
        if (one.required && !had.get(id).required) note("breaking", at, "parameter-required", "became required");
        schemas(had.get(id).schema, one.schema, at, "request", []);
      }
    }
    for (const id of had.keys()) if (!has.has(id)) note("risky", `${where} ${id}`, "parameter-removed", "clients may send it");
    const [oldBody, newBody] = [follow(oldDocument, before.requestBody), follow(newDocument, after.requestBody)];
    if (newBody.required && !oldBody.required) note("breaking", `${where} body`, "body-required", "became required");
    if (oldBody.content && newBody.content) contents(oldBody.content, newBody.content, `${where} body`, "request");
    for (const status of keys(before.responses, after.responses)) {
      const [one, two] = [map(before.responses)[status], map(after.responses)[status]];
      if (one === undefined) note(/^[23]/.test(status) ? "risky" : "addition", `${where} ${status}`, "status-added", "new answer");
      else if (two === undefined) note("breaking", `${where} ${status}`, "status-removed", "clients expect it");
      else contents(follow(oldDocument, one).content, follow(newDocument, two).content, `${where} ${status}`, "answer");
    }
    const [lock, locks] = [before.security ?? oldDocument.security, after.security ?? newDocument.security];
    if (list(locks).length && !list(lock).length) note("breaking", where, "security-added", "needs credentials now");
    if (before.operationId && after.operationId && before.operationId !== after.operationId) note("risky", where, "operation-id-changed", `${before.operationId} became ${after.operationId}`);
    if (after.deprecated && !before.deprecated) note("addition", where, "deprecated", "announce when it goes");
  }

  /** Paths with their parameters' names left out: {id} and {orderId} are one place. */
  const places = (document) => new Map(Object.keys(map(document.paths)).map((path) => [path.replace(/\{[^}]*\}/g, "{}"), path]));
  const [oldPlaces, newPlaces] = [places(oldDocument), places(newDocument)];
  for (const place of [...new Set([...oldPlaces.keys(), ...newPlaces.keys()])].sort()) {
    const [oldPath, newPath] = [oldPlaces.get(place), newPlaces.get(place)];
    const [oldItem, newItem] = [follow(oldDocument, oldDocument.paths?.[oldPath]), follow(newDocument, newDocument.paths?.[newPath])];
    for (const method of METHODS) {
      const [before, after] = [oldItem[method], newItem[method]];
      const where = `${method.toUpperCase()} ${newPath ?? oldPath}`;
      if (before === undefined && after !== undefined) note("addition", where, "call-added", "new call");
      else if (before !== undefined && after === undefined) note("breaking", where, "call-removed", "clients call it");
      else if (before !== undefined) calls(where, oldItem, newItem, map(before), map(after));
    }
  }
  return changes;
}

try {
  const argv = process.argv.slice(2);
  if (argv.includes("--help") || argv.includes("-h")) {
    process.stdout.write(HELP);
  } else {
    if (argv.length !== 2) throw new Unusable("two files are needed: OLD NEW");
    const rank = { breaking: 0, risky: 1, addition: 2 };
    const seen = new Set();
    const changes = compare(load(argv[0]), load(argv[1])).filter((change) => !seen.has(JSON.stringify(change)) && seen.add(JSON.stringify(change)))
      .sort((a, b) => rank[a.level] - rank[b.level] || (a.where < b.where ? -1 : a.where > b.where ? 1 : 0));
    const verdict = changes.some((change) => change.level === "breaking") ? "breaking" : changes.length ? "compatible" : "same";
    process.stdout.write(JSON.stringify({ verdict, changes }, null, 2) + "\n");
    process.exitCode = verdict === "breaking" ? 1 : 0;
  }
} catch (problem) {
  if (!(problem instanceof Unusable)) throw problem;
  process.stdout.write(JSON.stringify({ error: problem.message, remedy: "pass two OpenAPI 3 documents as JSON; convert YAML first" }) + "\n");
  process.exitCode = 2;
}
