#!/usr/bin/env node
/**
 * Group the commits between two references, and propose a version bump. Reads git only.
 *
 * Input:  --from REF, --to REF, --path DIR.
 * Exit:   0 collected, 1 nothing between the two, 2 not a repository, an unknown reference or bad options.
 */
import { spawnSync } from "node:child_process";

const HELP = `usage: collect-changes.mjs [--from REF] [--to REF] [--path DIR]

Groups the commits between two references, and proposes a version bump, as JSON.

  --from REF  where to begin, not included; default: the newest tag reachable from --to
  --to REF    where to end; default: HEAD
  --path DIR  a folder inside the repository; default: here
`;
const TYPES = {
  feat: "added", feature: "added", fix: "fixed", bugfix: "fixed", hotfix: "fixed", perf: "changed", security: "security", sec: "security",
  deprecate: "changed", remove: "changed", revert: "changed", docs: "internal", style: "internal", refactor: "internal", test: "internal",
  tests: "internal", chore: "internal", ci: "internal", build: "internal", deps: "internal",
};
const WORDS = [
  ["security", /\b(CVE-\d{4}-\d+|GHSA-[\w-]+|vulnerab|security)\b/i],
  ["internal", /^(refactor|test|lint|format|bump|typo|reformat|document|docs?|ci)\b/i],
  ["fixed", /^(fix|repair|correct|resolve|mend|prevent|avoid|handle)\w*\b/i],
  ["added", /^(add|support|allow|introduce|implement|enable|offer|let)\w*\b/i],
  ["changed", /^(change|rename|move|replace|remove|drop|deprecate|raise|lower|improve|speed|reduce|make|use|update|require|show|print|return)\w*\b/i],
];

class Unusable extends Error {}

function options(argv) {
  const result = { from: null, to: "HEAD", path: "." };
  for (let i = 0; i < argv.length; i += 1) {
    const [name, inline] = argv[i].split(/=(.*)/s);
    if (name === "--help" || name === "-h") return null;
    if (!["--from", "--to", "--path"].includes(name)) throw new Unusable(`unknown option ${name}`);
    const value = inline ?? argv[(i += 1)];
    if (!value || value.startsWith("-")) throw new Unusable(`${name} needs a value`);
    result[name.slice(2)] = value;
  }
  return result;
}

function git(path, ...args) {
  const done = spawnSync("git", ["-C", path, ...args], { encoding: "utf8", maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: "C", GIT_OPTIONAL_LOCKS: "0" } });
  if (done.error) throw new Unusable(done.error.code === "ENOENT" ? "git is not installed" : done.error.message);
  return done;
}

function commit(path, reference) {
  const done = git(path, "rev-parse", "--verify", "--quiet", "--end-of-options", `${reference}^{commit}`);
  if (done.status !== 0) throw new Unusable(`${reference} is no commit here`);
  return done.stdout.trim();
}

/** The newest tag that the end already holds, not counting one on the end itself; null without tags. */
function previousTag(path, to) {
  const onEnd = git(path, "describe", "--tags", "--exact-match", to).stdout.trim();
  const done = git(path, "describe", "--tags", "--abbrev=0", onEnd ? `${to}^` : to);
  return done.status === 0 ? done.stdout.trim() : null;
}

function commits(path, range) {
  const done = git(path, "log", "--no-merges", "--format=%H%x1f%an%x1f%s%x1f%b%x1e", ...range, "--");
  if (done.status !== 0) throw new Unusable(done.stderr.trim());
  return done.stdout.split("\x1e").map((record) => record.replace(/^\n/, "").split("\x1f")).filter((fields) => fields.length === 4)
    .map(([hash, author, subject, body]) => ({ hash, author, subject, body }));
}

/** The group of a commit, and its subject without prefix. */
function sort({ subject, body }) {
  const match = /^(\w+)(?:\(([^)]*)\))?(!)?:\s+(.*)$/.exec(subject);
  const type = match ? TYPES[match[1].toLowerCase()] : undefined;
  const breaking = /^BREAKING[ -]CHANGE:\s/m.test(body) || Boolean(type && match[3]);
  const text = type ? match[4] : subject;
  const group = type ?? WORDS.find(([, pattern]) => pattern.test(text))?.[0] ?? "unclear";
  return { group: breaking ? "breaking" : group, text, scope: type ? match[2] ?? null : null };
}

function collect(settings) {
  const { path } = settings;
  if (git(path, "rev-parse", "--git-dir").status !== 0) throw new Unusable(`${path} is not inside a git repository`);
  const to = commit(path, settings.to);
  const from = settings.from ?? previousTag(path, to);
  const list = commits(path, from ? [`${commit(path, from)}..${to}`] : [to]);
  const groups = { breaking: [], security: [], added: [], changed: [], fixed: [], internal: [], unclear: [] };
  for (const entry of list) {
    const { group, text, scope } = sort(entry);
    const issues = [...new Set(`${entry.subject}\n${entry.body}`.match(/(?<![\w&])#\d+\b/g) ?? [])];
    groups[group].push({ subject: text, scope, commit: entry.hash.slice(0, 12), author: entry.author, issues });
  }
  const because = ["breaking", "added", "security", "fixed", "changed", "unclear"].find((group) => groups[group].length);
  const bump = because === undefined ? "none" : { breaking: "major", added: "minor" }[because] ?? "patch";
  const reason = because === undefined ? "only internal changes" : `${groups[because].length} ${because}`;
  const contributors = [...new Set(list.map((entry) => entry.author))].sort();
  return { from, to: settings.to, commits: list.length, bump, bump_because: reason, groups, contributors };
}

try {
  const settings = options(process.argv.slice(2));
  if (settings === null) {
    process.stdout.write(HELP);
  } else {
    const result = collect(settings);
    process.stdout.write(JSON.stringify(result, null, 2) + "\n");
    process.exitCode = result.commits ? 0 : 1;
  }
} catch (problem) {
  if (!(problem instanceof Unusable)) throw problem;
  process.stdout.write(JSON.stringify({ error: problem.message, remedy: "see --help" }) + "\n");
  process.exitCode = 2;
}
