// Walks through the official Node client.
const assert = require("node:assert");
const { InfisicalSDK } = require("@infisical/sdk");

const projectId = process.env.PROJECT_ID;
const here = { projectId, environment: "dev", secretPath: "/walk" };

async function walk() {
  const client = new InfisicalSDK({ siteUrl: process.env.HOST });
  await client.auth().universalAuth.login({
    clientId: process.env.CLIENT_ID,
    clientSecret: process.env.CLIENT_SECRET,
  });
  await client.auth().universalAuth.renew();
  assert.ok(client.auth().getAccessToken());

  const folder = await client.folders().create({ name: "walk", path: "/", projectId, environment: "dev" });
  assert.strictEqual(folder.name, "walk");
  const folders = await client.folders().listFolders({ projectId, environment: "dev", path: "/", recursive: true });
  assert.deepStrictEqual(folders.map((each) => each.name), ["my-secrets", "walk"]);

  const created = await client.secrets().createSecret("TOKEN", { ...here, secretValue: "a-1", secretComment: "first" });
  assert.strictEqual(created.secret.secretValue, "a-1");
  await client.secrets().createSecret("URL", { ...here, secretValue: "https://${TOKEN}" });

  const url = await client.secrets().getSecret({ ...here, secretName: "URL" });
  assert.strictEqual(url.secretValue, "https://a-1");
  await client.secrets().updateSecret("TOKEN", { ...here, secretValue: "a-2" });
  const listed = await client.secrets().listSecrets(here);
  assert.deepStrictEqual(
    listed.secrets.map((each) => [each.secretKey, each.secretValue]),
    [["TOKEN", "a-2"], ["URL", "https://a-2"]],
  );
  const first = await client.secrets().getSecret({ ...here, secretName: "TOKEN", version: 1 });
  assert.strictEqual(first.secretValue, "a-1");
  const merged = await client.secrets().listSecretsWithImports(here);
  assert.strictEqual(merged.length, 2);

  await client.secrets().deleteSecret("URL", here);
  await assert.rejects(client.secrets().getSecret({ ...here, secretName: "URL" }), /StatusCode=404/);

  const project = await client.projects().create({ projectName: "Walked", type: "secret-manager", slug: "walked" });
  const environment = await client.environments().create({ name: "Preview", slug: "preview", projectId: project.id });
  assert.strictEqual(environment.slug, "preview");
  console.log("walked");
}

walk().catch((error) => {
  console.error(error);
  process.exit(1);
});
