// Walks through the official Node client of 2024.
const assert = require("node:assert");
const { InfisicalSDK } = require("@infisical/sdk");

const here = { projectId: process.env.PROJECT_ID, environment: "dev", secretPath: "/my-secrets" };

async function walk() {
  const client = new InfisicalSDK({ siteUrl: process.env.HOST });
  await client.auth().universalAuth.login({
    clientId: process.env.CLIENT_ID,
    clientSecret: process.env.CLIENT_SECRET,
  });

  const created = await client.secrets().createSecret("TOKEN", { ...here, secretValue: "a-1" });
  assert.strictEqual(created.secret.secretValue, "a-1");
  await client.secrets().createSecret("URL", { ...here, secretValue: "https://${TOKEN}" });
  const url = await client.secrets().getSecret({ ...here, secretName: "URL", expandSecretReferences: true });
  assert.strictEqual(url.secretValue ?? url.secret.secretValue, "https://a-1");
  await client.secrets().updateSecret("TOKEN", { ...here, secretValue: "a-2" });
  const listed = await client.secrets().listSecrets({ ...here, includeImports: true, recursive: true });
  const values = Object.fromEntries(listed.secrets.map((each) => [each.secretKey, each.secretValue]));
  assert.strictEqual(values.TOKEN, "a-2");
  await client.secrets().deleteSecret("URL", here);
  await assert.rejects(client.secrets().getSecret({ ...here, secretName: "URL" }));
  console.log("walked");
}

walk().catch((error) => {
  console.error(error);
  process.exit(1);
});
