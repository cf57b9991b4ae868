// An MCP server over stdio that writes down what it was started with, and offers one tool.
import fs from "node:fs";
import readline from "node:readline";

fs.writeFileSync(process.env.SEEN_FILE, JSON.stringify({ args: process.argv.slice(2), env: process.env }));

const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "seen", version: "1" },
  }),
  "tools/list": () => ({ tools: [{ name: "look", description: "Looks.", inputSchema: { type: "object" } }] }),
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const answer = answers[method];
  const outcome = answer ? { result: answer(params) } : { error: { code: -32601, message: "no such method" } };
  process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, ...outcome }) + "\n");
});
