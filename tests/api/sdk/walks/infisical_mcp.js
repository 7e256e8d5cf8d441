// Walks through the official MCP server, as an assistant calls its tools.
const assert = require("node:assert");
const path = require("node:path");
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");

const here = { projectId: process.env.PROJECT_ID, environmentSlug: "dev", secretPath: "/walk" };

async function walk() {
  const transport = new StdioClientTransport({
    command: "node",
    args: [path.join(process.env.NODE_PATH, "@infisical/mcp/dist/index.js")],
    env: {
      PATH: process.env.PATH,
      INFISICAL_HOST_URL: process.env.HOST,
      INFISICAL_UNIVERSAL_AUTH_CLIENT_ID: process.env.CLIENT_ID,
      INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET: process.env.CLIENT_SECRET,
    },
    stderr: "inherit",
  });
  const client = new Client({ name: "walker", version: "1" });
  await client.connect(transport);
  async function call(name, args) {
    const result = await client.callTool({ name, arguments: args });
    const text = result.content.map((part) => part.text).join("\n");
    assert.ok(!result.isError && !text.startsWith("Error"), `${name}: ${text}`);
    return text;
  }

  assert.match(await call("list-projects", { type: "all" }), /acme-shop/);
  await call("create-folder", { projectId: here.projectId, environment: "dev", name: "walk", path: "/" });
  await call("create-secret", { ...here, secretName: "TOKEN", secretValue: "a-1" });
  await call("update-secret", { ...here, secretName: "TOKEN", secretValue: "a-2" });
  assert.match(await call("get-secret", { ...here, secretName: "TOKEN" }), /TOKEN/);
  assert.match(await call("list-secrets", here), /TOKEN/);
  await call("delete-secret", { ...here, secretName: "TOKEN" });
  const project = await call("create-project", { projectName: "Walked", type: "secret-manager" });
  assert.match(project, /walked/i);
  await call("create-environment", { projectId: here.projectId, name: "Preview", slug: "preview" });
  await client.close();
  console.log("walked");
}

walk().catch((error) => {
  console.error(error);
  process.exit(1);
});
