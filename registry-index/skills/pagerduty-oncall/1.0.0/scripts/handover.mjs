#!/usr/bin/env node
/**
 * Turn a shift's incidents into a handover, as JSON with Markdown in it. No network.
 *
 * Input:  a file, or standard input: {"incidents": [...]} as PagerDuty's REST API prints it, or the array.
 * Exit:   0 nothing open, 1 something is handed over, 2 not an incident list or bad options.
 */
import { readFileSync } from "node:fs";

const HELP = `usage: handover.mjs [FILE] [--since TIME] [--until TIME] [--night FROM-TO] [--offset +HH:MM]

Turns a shift's incidents into a handover, as JSON with Markdown in it.

  FILE             PagerDuty's incident list as JSON; default: standard input
  --since TIME     leave out incidents created before (ISO 8601)
  --until TIME     leave out incidents created after
  --night FROM-TO  hours of the night, default 22-7
  --offset +HH:MM  the shift's own time against UTC, default +00:00
`;

class Unusable extends Error {}

function options(argv) {
  const result = { path: "-", since: null, until: null, night: [22, 7], offset: 0 };
  for (let i = 0; i < argv.length; i += 1) {
    const [name, inline] = argv[i].startsWith("--") ? argv[i].split(/=(.*)/s) : [argv[i], undefined];
    const value = () => inline ?? argv[(i += 1)] ?? "";
    if (name === "--help" || name === "-h") return null;
    else if (name === "--since" || name === "--until") result[name.slice(2)] = moment(value(), name);
    else if (name === "--night") {
      const match = /^(\d{1,2})-(\d{1,2})$/.exec(value());
      if (!match || match[1] > 23 || match[2] > 23) throw new Unusable("--night is FROM-TO in hours, such as 22-7");
      result.night = [Number(match[1]), Number(match[2])];
    } else if (name === "--offset") {
      const match = /^([+-])(\d\d):?(\d\d)$/.exec(value());
      if (!match) throw new Unusable("--offset is +HH:MM");
      result.offset = (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]));
    } else if (name.startsWith("--")) throw new Unusable(`unknown option ${name}`);
    else result.path = name;
  }
  return result;
}

/** Milliseconds of an ISO 8601 time. */
function moment(text, what) {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new Unusable(`${what}: ${JSON.stringify(text)} is no ISO 8601 time`);
  return at;
}

function read(path) {
  if (path !== "-") return readFileSync(path, "utf8");
  return process.stdin.isTTY ? "" : readFileSync(0, "utf8");
}

/** The incidents of a document, each with the fields that count here. */
function incidents(text) {
  let document;
  try {
    document = JSON.parse(text || "null");
  } catch (problem) {
    throw new Unusable(problem.message);
  }
  const list = Array.isArray(document) ? document : document?.incidents;
  if (!Array.isArray(list) || list.some((entry) => typeof entry?.created_at !== "string")) throw new Unusable("not an incident list");
  return list.map((entry) => {
    const acknowledgements = Array.isArray(entry.acknowledgements) ? entry.acknowledgements.map((a) => a?.at).filter(Boolean) : [];
    const acknowledged = entry.acknowledged_at ?? acknowledgements.sort()[0];
    const ended = entry.status === "resolved" ? entry.resolved_at ?? entry.last_status_change_at : undefined;
    return {
      id: String(entry.id ?? "?"), title: String(entry.title ?? entry.summary ?? "untitled"), status: String(entry.status ?? "unknown"),
      urgency: String(entry.urgency ?? "unknown"), service: String(entry.service?.summary ?? entry.service?.name ?? "unknown"),
      created: moment(entry.created_at, "created_at"), acknowledged: acknowledged ? moment(acknowledged, "acknowledged_at") : null,
      resolved: ended ? moment(ended, "resolved_at") : null,
    };
  });
}

const minutes = (from, to) => Math.round((to - from) / 60000);
const stamp = (at) => new Date(at).toISOString().replace(".000Z", "Z");

function isNight(at, { night: [from, to], offset }) {
  const hour = new Date(at + offset * 60000).getUTCHours();
  return from <= to ? hour >= from && hour < to : hour >= from || hour < to;
}

function report(list, settings) {
  const shift = list
    .filter((i) => (settings.since === null || i.created >= settings.since) && (settings.until === null || i.created <= settings.until))
    .sort((a, b) => a.created - b.created);
  const services = new Map();
  const titles = new Map();
  for (const incident of shift) {
    const entry = services.get(incident.service) ?? { count: 0, high: 0, minutes: 0 };
    entry.count += 1;
    entry.high += incident.urgency === "high" ? 1 : 0;
    entry.minutes += incident.resolved ? minutes(incident.created, incident.resolved) : 0;
    services.set(incident.service, entry);
    const key = incident.title.replace(/\d+/g, "#");
    titles.set(key, [...(titles.get(key) ?? []), incident]);
  }
  const show = (i) => ({ id: i.id, title: i.title, service: i.service, status: i.status, urgency: i.urgency, created: stamp(i.created) });
  return {
    incidents: shift.length,
    open: shift.filter((i) => i.status !== "resolved").map(show),
    by_service: Object.fromEntries([...services].sort((a, b) => b[1].count - a[1].count || (a[0] < b[0] ? -1 : 1))),
    at_night: shift.filter((i) => i.urgency === "high" && isNight(i.created, settings)).length,
    repeated: [...titles.values()].filter((g) => g.length >= 3).map((g) => ({ title: g[0].title, times: g.length, last: stamp(g.at(-1).created) })),
    slow: shift.filter((i) => i.urgency === "high" && i.acknowledged && minutes(i.created, i.acknowledged) > 10)
      .map((i) => ({ ...show(i), minutes: minutes(i.created, i.acknowledged) })),
  };
}

function markdown(result) {
  const lines = ["## Handover", "", `${result.incidents} incident(s), ${result.at_night} page(s) at night.`, ""];
  lines.push("### Open", "", ...(result.open.length ? result.open.map((i) => `- ${i.id} ${i.title} (${i.service}, ${i.status}, since ${i.created})`) : ["Nothing."]), "");
  if (result.repeated.length) lines.push("### Came back", "", ...result.repeated.map((r) => `- ${r.times} times: ${r.title}. Repair or delete this alarm.`), "");
  if (result.slow.length) lines.push("### Slow to acknowledge", "", ...result.slow.map((s) => `- ${s.id} ${s.title}: ${s.minutes} minutes`), "");
  return lines.join("\n");
}

try {
  const settings = options(process.argv.slice(2));
  if (settings === null) {
    process.stdout.write(HELP);
  } else {
    const result = report(incidents(read(settings.path)), settings);
    process.stdout.write(JSON.stringify({ ...result, markdown: markdown(result) }, null, 2) + "\n");
    process.exitCode = result.open.length ? 1 : 0;
  }
} catch (problem) {
  if (!(problem instanceof Unusable) && !problem.code) throw problem;
  process.stdout.write(JSON.stringify({ error: problem.message, remedy: "pass PagerDuty's incident list as JSON; see --help" }) + "\n");
  process.exitCode = 2;
}
