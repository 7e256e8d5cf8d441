// The provider of SAML 2.0 `samlp`, as tests need one. Anybody logs in by a name alone; what the provider then says of them
// is sent to /test/people. Started with the folder that holds its packages, a key and its certificate; prints its address.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

const [folder, keyFile, certFile] = process.argv.slice(2);
const samlp = createRequire(`${folder}/`)('samlp');
const people = new Map();
const server = createServer();

// Posts to the address at which it stands, with the question in it.
const form = `<!doctype html><title>Log in</title><form method="post"><input name="login">
<button type="submit">Log in</button></form>`;

function answer(request, response, query, login) {
  const person = { format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent', ...people.get(login) };
  request.query = Object.fromEntries(new URLSearchParams(query));
  request.method = 'GET';
  const asked = inflateRawSync(Buffer.from(request.query.SAMLRequest, 'base64')).toString();
  const recipient = /AssertionConsumerServiceURL="([^"]+)"/.exec(asked)[1];
  response.set = (name, value) => response.setHeader(name, value);
  response.send = (text) => response.end(String(text));
  samlp.auth({
    issuer: 'urn:acme:saml',
    audience: 'https://devinsync.example/saml',
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    recipient,
    destination: recipient,
    lifetimeInSeconds: 300,
    getPostURL: (_audience, _request, _req, done) => done(null, recipient),
    getUserFromRequest: () => ({ id: login }),
    profileMapper: () => ({
      getClaims: () => person.attributes || { uid: login },
      getNameIdentifier: () => ({ nameIdentifier: login, nameIdentifierFormat: person.format }),
    }),
    ...person.options,
  })(request, response, (error) => { response.statusCode = 500; response.end(String(error)); });
}

server.on('request', (request, response) => {
  const { pathname, search } = new URL(request.url, 'http://127.0.0.1');
  let text = '';
  request.on('data', (part) => { text += part; });
  request.on('end', () => {
    if (pathname === '/test/people') {
      for (const [name, said] of Object.entries(JSON.parse(text))) people.set(name, said);
      return response.end();
    }
    if (request.method === 'GET') {
      response.setHeader('Content-Type', 'text/html');
      return response.end(form);
    }
    return answer(request, response, search, new URLSearchParams(text).get('login'));
  });
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
