// node server.mjs CONFIG.json: an OpenID provider on loopback. SIGHUP reads the file anew: that is how keys rotate.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const file = process.argv[2];

function provider({ issuer, clients, accounts, jwks, audience, claimsInIdToken }) {
  const made = new Provider(issuer, {
    clients,
    jwks,
    cookies: { keys: ["for-tests"] },
    claims: { openid: ["sub"], profile: ["name", "family_name", "given_name"], roles: ["roles", "organisation"] },
    conformIdTokenClaims: !claimsInIdToken,
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "EdDSA", "Ed25519", "PS256"] },
    findAccount: (_ctx, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
    // Who logs in has agreed: a hospital's provider does not ask its staff.
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ accountId: ctx.oidc.session.accountId, clientId: ctx.oidc.client.clientId });
      grant.addOIDCScope("openid profile roles");
      grant.addResourceScope(audience, "read");
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: "read", audience, accessTokenFormat: "jwt" }),
      },
    },
    extraTokenClaims(ctx, token) {
      const code = ctx.oidc.entities.AuthorizationCode;
      return code ? { ...accounts[token.accountId], auth_time: code.authTime } : { roles: ["viewer", "radiologist"] };
    },
  });
  made.on("server_error", (_context, error) => console.error(error));
  return made.callback();
}

function read() {
  return JSON.parse(readFileSync(file, "utf8"));
}

let answer = provider(read());
process.on("SIGHUP", () => {
  answer = provider(read());
});
createServer((request, response) => answer(request, response)).listen(Number(new URL(read().issuer).port), "127.0.0.1");
