// The certified provider of OpenID Connect `oidc-provider`, as tests need one. Anybody logs in by a name alone; what the
// provider then says of them is sent to /test/claims. Started with the folder that holds its packages; prints its issuer.
import { createServer } from 'node:http';

const { default: Provider } = await import(`${process.argv[2]}/node_modules/oidc-provider/lib/index.js`);
const people = new Map();
const server = createServer();

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'devinsync',
      client_secret: 'a-secret-of-both',
      redirect_uris: [`${issuer}/unused`],
      post_logout_redirect_uris: [`${issuer}/unused`],
    }],
    pkce: { required: () => true },
    claims: { openid: ['sub', 'groups', 'hd'], profile: ['preferred_username', 'given_name', 'family_name'],
      email: ['email', 'email_verified'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people.get(id) }) }),
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
    cookies: { keys: ['a key of tests'] },
  });
  provider.Client.prototype.redirectUriAllowed = () => true;
  provider.Client.prototype.postLogoutRedirectUriAllowed = () => true;
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.url !== '/test/claims') return answer(request, response);
    let text = '';
    request.on('data', (part) => { text += part; });
    request.on('end', () => {
      for (const [name, claims] of Object.entries(JSON.parse(text))) people.set(name, claims);
      response.end();
    });
  });
  console.log(issuer);
});
