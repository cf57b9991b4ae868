// One prompt to an agent as Cursor's own library runs it in this folder, with its user's settings: cursor_session.cjs LIBRARY
const { Agent } = require(process.argv[2]);

(async () => {
  const local = { cwd: process.cwd(), settingSources: ["user"], enableAgentRetries: false };
  const agent = await Agent.create({ apiKey: "none", model: { id: "none" }, local });
  const run = await agent.send("hi");
  for await (const message of run.stream()) console.log(JSON.stringify(message));
})();
