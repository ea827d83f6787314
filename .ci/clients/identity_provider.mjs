// An OpenID provider that others wrote (oidc-provider), on a free port, with people, a script and keys of its own.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

const CALLBACK = "http://127.0.0.1/callback";

export async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  listener.close();
  await once(listener, "close");
  return port;
}

export class IdentityProvider {
  /** What the tokens of a person or a script say besides, by their name. */
  accounts = {};
  /** Each with its public part, so that tests can misuse it. */
  keys;
  signWith = "RS256";
  keysFetchedAt = 0;
  /** A client with a secret. */
  script = { client_id: "nightly-export", client_secret: randomBytes(32).toString("hex") };
  #audience;
  #listener;
  #change = () => {};

  /** One that issues tokens for a resource; it has to be started. */
  static async make(resource) {
    const provider = new IdentityProvider();
    provider.issuer = `http://127.0.0.1:${await freePort()}`;
    provider.#audience = resource;
    await provider.replaceKeys("first");
    return provider;
  }

  /** Has other keys from its next start on. */
  async replaceKeys(name) {
    const made = ["RS256", "ES256"].map(async (alg) => {
      const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
      return { publicKey, alg, jwk: { ...(await exportJWK(privateKey)), kid: `${name}-${alg}`, alg, use: "sig" } };
    });
    this.keys = await Promise.all(made);
  }

  async start() {
    const answer = new Provider(this.issuer, this.#configuration()).callback();
    this.#listener = createServer((request, response) => {
      if (request.url.startsWith("/jwks")) this.keysFetchedAt = Date.now();
      answer(request, response);
    });
    this.#listener.listen(new URL(this.issuer).port, "127.0.0.1");
    await once(this.#listener, "listening");
  }

  async stop() {
    const closed = once(this.#listener, "close");
    this.#listener.close();
    this.#listener.closeAllConnections();
    await closed;
  }

  #configuration() {
    const resourceServer = (audience) => ({
      scope: "crm",
      audience,
      accessTokenFormat: "jwt",
      jwt: { sign: { alg: this.signWith } },
    });
    const app = { client_id: "crm-app", application_type: "native", token_endpoint_auth_method: "none" };
    return {
      jwks: { keys: this.keys.map(({ jwk }) => jwk) },
      cookies: { keys: [randomBytes(32).toString("hex")] },
      scopes: ["openid", "crm"],
      ttl: { AccessToken: 300, ClientCredentials: 300, Grant: 300, Interaction: 300, Session: 300 },
      clients: [
        { ...app, redirect_uris: [CALLBACK] },
        { ...this.script, grant_types: ["client_credentials"], redirect_uris: [], response_types: [] },
      ],
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
      extraTokenClaims: (_, token) => this.accounts[token.accountId ?? token.clientId],
      formats: { customizers: { jwt: (_, __, token) => this.#change(token) } },
      features: {
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => this.#audience,
          useGrantedResource: () => true,
          getResourceServerInfo: (_, audience) => resourceServer(audience),
        },
      },
    };
  }

  /** A token for the script, by its secret. `change` may change it before it is signed. */
  async issue(change = () => {}) {
    const form = { grant_type: "client_credentials", scope: "crm", resource: this.#audience, ...this.script };
    this.#change = change;
    const response = await fetch(`${this.issuer}/token`, { method: "POST", body: new URLSearchParams(form) });
    const body = await response.json();
    this.#change = () => {};
    if (!body.access_token) throw new Error(`the provider issued nothing: ${JSON.stringify(body)}`);
    return body.access_token;
  }

  /** What the TypeScript SDK asks of an application that has somebody sign in here. */
  application(login) {
    const kept = {};
    return {
      redirectUrl: CALLBACK,
      clientMetadata: { redirect_uris: [CALLBACK], scope: "crm" },
      clientInformation: () => ({ client_id: "crm-app" }),
      tokens: () => kept.tokens,
      saveTokens: (tokens) => void (kept.tokens = tokens),
      codeVerifier: () => kept.verifier,
      saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
      discoveryState: () => kept.discovery,
      saveDiscoveryState: (discovery) => void (kept.discovery = discovery),
      redirectToAuthorization: (url) => void (kept.came = this.#browse(url, login)),
      /** What the browser brought back. */
      came: () => kept.came,
      /** The provider that the SDK found. */
      found: () => new URL(kept.discovery.authorizationServerUrl).origin,
    };
  }

  /** Signs somebody in as a browser would, and gives what it brings back. */
  async #browse(url, login) {
    const cookies = new Map();
    let form;
    for (let steps = 0; steps < 10; steps += 1) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const request = form ? { method: "POST", body: new URLSearchParams(form) } : {};
      const response = await fetch(url, { ...request, headers: { cookie }, redirect: "manual" });
      for (const set of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
        if (value) cookies.set(name, value);
        else cookies.delete(name);
      }
      const location = response.headers.get("location");
      if (location?.startsWith(CALLBACK)) return new URL(location).searchParams;
      if (location) {
        [url, form] = [new URL(location, this.issuer), undefined];
      } else {
        const [, prompt] = /name="prompt" value="(\w+)"/.exec(await response.text());
        form = { prompt, login, password: "any will do" };
      }
    }
    throw new Error("the provider did not send its visitor back");
  }
}
