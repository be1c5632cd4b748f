// A certified OpenID provider on this machine. The tests say who signs in, over one line of JSON to /steer; everything else is the library's.
import http from "node:http";
import Provider from "oidc-provider";

const issuer = process.env.ISSUER;
const portal = process.env.PORTAL;
let person = { subject: "s-erin", claims: {}, amr: ["pwd"] };

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "countersign",
      client_secret: process.env.CLIENT_SECRET,
      redirect_uris: [`${portal}/accounts/oidc/corp/login/callback/`, `${portal}/sign-in/bound`],
      grant_types: ["authorization_code"],
      response_types: ["code"],
      token_endpoint_auth_method: process.env.AUTH_METHOD,
      require_auth_time: true,
    },
  ],
  cookies: { keys: [process.env.COOKIE_KEY] },
  pkce: { required: () => true, methods: ["S256"] },
  claims: { openid: ["sub", "amr"], email: ["email", "email_verified"], profile: ["name", "preferred_username", "groups"] },
  conformIdTokenClaims: process.env.CLAIMS_IN_TOKEN !== "1",
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...person.claims }) }),
  // Nobody is asked whether the portal may know them: it is their employer's.
  loadExistingGrant: async (context) => {
    const grant = new context.oidc.provider.Grant({ clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});

const answer = provider.callback();
const server = http.createServer(async (request, response) => {
  if (request.url === "/steer" && request.method === "POST") {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    person = JSON.parse(Buffer.concat(chunks).toString());
    response.writeHead(204).end();
  } else if (request.url.startsWith("/interaction/")) {
    const result = person.refuses
      ? { error: "access_denied" }
      : { login: { accountId: person.subject, amr: person.amr, remember: true } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  } else {
    answer(request, response);
  }
});
server.listen(Number(new URL(issuer).port), "127.0.0.1", () => console.log("ready"));
