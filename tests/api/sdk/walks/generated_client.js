// Walks the whole way of a sync with a client that hey-api's openapi-ts made from the document.
const assert = require("node:assert");
const { client } = require(`${process.env.GENERATED}/client.gen.js`);
const sdk = require(`${process.env.GENERATED}/sdk.gen.js`);

async function walk() {
  client.setConfig({ baseUrl: process.env.HOST, throwOnError: true });
  const loggedIn = await sdk.logIn({
    body: { clientId: process.env.CLIENT_ID, clientSecret: process.env.CLIENT_SECRET },
  });
  client.setConfig({ auth: () => loggedIn.data.accessToken });

  const project = (await sdk.createProject({ body: { projectName: "Generated" } })).data.project;
  const place = { projectId: project.id, environment: "dev" };
  await sdk.createFolder({ body: { ...place, name: "made" } });
  const secrets = ["ONE", "TWO"].map((secretKey) => ({ secretKey, secretValue: "v-1" }));
  await sdk.createManySecrets({ body: { ...place, secretPath: "/made", secrets } });

  const credentials = { apiKey: process.env.DEVIN_API_KEY, baseUrl: process.env.DEVIN_URL };
  const connection = (await sdk.createDevinConnection({ body: { name: "generated", credentials } })).data.appConnection;
  const created = await sdk.createDevinSync({
    body: {
      ...place,
      name: "generated",
      connectionId: connection.id,
      secretPath: "/made",
      syncOptions: {
        initialSyncBehavior: "overwrite-destination",
        autoSyncEnabled: false,
        keySchema: "G_{{secretKey}}",
      },
      destinationConfig: { orgId: process.env.DEVIN_ORG },
    },
  });
  const path = { sync_id: created.data.secretSync.id };
  assert.strictEqual((await sdk.planDevinSync({ path })).data.plan.counts.create, 2);
  const ran = await sdk.syncSecrets({ path, query: { wait: 20 } });
  assert.strictEqual(ran.data.secretSync.syncStatus, "succeeded");
  const runs = (await sdk.listSyncRuns({ path })).data.syncRuns;
  const run = (await sdk.getSyncRun({ path: { run_id: runs[0].id } })).data.syncRun;
  assert.deepStrictEqual(run.changes.map((change) => change.destinationKey).sort(), ["G_ONE", "G_TWO"]);

  const listed = await sdk.listAllSecrets({ query: { ...place, workspaceId: project.id } });
  assert.ok(Array.isArray(listed.data.secrets));
  const renamed = await sdk.updateDevinSync({ path, body: { name: "renamed" } });
  assert.strictEqual(renamed.data.secretSync.name, "renamed");
  const gone = await sdk.deleteDevinSync({ path, query: { removeSecrets: "true", wait: 20 } });
  assert.strictEqual(gone.data.secretSync.removeStatus, "succeeded");
  await sdk.deleteDevinConnection({ path: { connection_id: connection.id } });
  console.log("walked");
}

walk().catch((error) => {
  console.error(error);
  process.exit(1);
});
