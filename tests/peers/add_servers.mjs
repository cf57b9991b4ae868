// Let add-mcp write servers as if on another system: add_servers.mjs SYSTEM LIBRARY, a list of [agent, name, config] on stdin.
import fs from "node:fs";

Object.defineProperty(process, "platform", { value: process.argv[2] });
const { upsertServer } = await import(process.argv[3]);
const outcomes = JSON.parse(fs.readFileSync(0, "utf8")).map(([agent, name, config]) => upsertServer(agent, name, config));
process.stdout.write(JSON.stringify(outcomes.map(({ success, path, error }) => ({ success, path, error }))));
