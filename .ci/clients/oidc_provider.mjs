// Has another's OpenID provider (oidc-provider) issue tokens to a running server, and looks which of them let
// whom in: people who sign in there by way of the TypeScript SDK's OAuth, and a script with a secret of its own.
//
// It starts the provider and the server itself, each on a free port, with an empty database. SESSILE_BIN names
// the server's binary; without it, it is the release build below the working directory.

import { execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { exportSPKI } from "jose";
import WebSocket from "ws";
import { IdentityProvider, freePort } from "./identity_provider.mjs";

const built = join(process.env.CARGO_TARGET_DIR ?? "target", "release", "sessile");
const sessile = resolve(process.env.SESSILE_BIN ?? built);
const scratch = mkdtempSync(join(tmpdir(), "sessile-oidc-"));
const logFile = join(scratch, "log");
let server;
process.on("exit", () => {
  server?.kill("SIGKILL");
  rmSync(scratch, { recursive: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));
setTimeout(() => fail("it took longer than three minutes"), 180_000).unref();

/** Prints what holds; what does not, with what was seen, and ends everything. */
function check(what, actual, expected = true) {
  const fits = expected instanceof RegExp ? expected.test(actual) : isDeepStrictEqual(actual, expected);
  if (fits) return console.log(`  ${what}`);
  const shown = expected instanceof RegExp ? String(expected) : JSON.stringify(expected);
  fail(`not as expected: ${what}\n    expected ${shown}\n    saw      ${JSON.stringify(actual)}`);
}

function fail(message) {
  console.log(`  ${message}\nthe server's last words:`);
  console.log(readFileSync(logFile, { encoding: "utf8", flag: "a+" }).split("\n").slice(-20).join("\n"));
  process.exit(1);
}
process.on("uncaughtException", (error) => fail(error.stack));

/** Asks again until the answer is there, which it has to be soon. */
async function eventually(ask) {
  for (const end = Date.now() + 10_000; Date.now() < end; await sleep(50)) {
    const answer = await ask();
    if (answer) return answer;
  }
}

// The server.

const port = await freePort();
const base = `http://127.0.0.1:${port}`;
const mcp = `${base}/mcp`;
const database = `sqlite:${join(scratch, "sessile.db")}`;
const config = join(scratch, "sessile.toml");
const provider = await IdentityProvider.make(mcp);
const { issuer } = provider;
const resourceMetadata = `${base}/.well-known/oauth-protected-resource/mcp`;

async function serve() {
  const flags = ["serve", "--config", config, "--listen", `127.0.0.1:${port}`, "--database-url", database];
  const log = openSync(logFile, "a");
  server = spawn(sessile, flags, { stdio: ["ignore", "pipe", log] });
  for await (const line of createInterface(server.stdout)) {
    if (line.endsWith("/mcp")) return;
  }
  fail("the server did not say where it listens");
}

async function stop() {
  const ended = once(server, "exit");
  server.kill("SIGTERM");
  check("the server stopped cleanly", await ended, [0, null]);
}

function createTenant(name) {
  const flags = ["admin", "tenants", "create", name, "--owner", "owner@example.com", "--json"];
  const made = execFileSync(sessile, [...flags, "--config", config, "--database-url", database], { encoding: "utf8" });
  return JSON.parse(made).id;
}

/** The server asks for unknown keys every ten seconds at the most. */
async function untilKeysMayBeFetched() {
  await sleep(Math.max(0, provider.keysFetchedAt + 10_500 - Date.now()));
}

async function connect(era, options) {
  const versions = era === "modern" ? { versionNegotiation: { mode: "auto" } } : {};
  const client = new Client({ name: "oidc", version: "1" }, versions);
  const transport = new StreamableHTTPClientTransport(new URL(mcp), options);
  await client.connect(transport);
  return { client, transport };
}

/** Calls a tool as nobody, goes where the refusal points, signs in there, and comes back with a token. */
async function signIn(login, era) {
  const authProvider = provider.application(login);
  const stranger = await connect(era, { authProvider });
  const refused = await stranger.client.callTool({ name: "crm_contact_list" }).catch((error) => error);
  check(`${login}, ${era}: the SDK was told to sign in`, refused.constructor.name, "UnauthorizedError");
  check(`${login}, ${era}: it found the provider by itself`, authProvider.found(), issuer);
  await stranger.transport.finishAuth(await authProvider.came());
  await stranger.client.close();
  const { client } = await connect(era, { authProvider });
  return { client, token: authProvider.tokens().access_token };
}

async function call(client, name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  if (result.isError) fail(`${name} was refused: ${JSON.stringify(result)}`);
  return result.structuredContent;
}

// The doors, each with a token or without one.

const rpc = (params) => JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
const modernMeta = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "oidc", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};
const modernHeaders = {
  "MCP-Protocol-Version": "2026-07-28",
  "Mcp-Method": "tools/call",
  "Mcp-Name": "crm_contact_list",
};
const bearer = (token) => (token ? { Authorization: `Bearer ${token}` } : {});

function post(token, params, headers = {}) {
  const usual = { "Content-Type": "application/json", Accept: "application/json, text/event-stream" };
  return fetch(mcp, { method: "POST", headers: { ...usual, ...headers, ...bearer(token) }, body: rpc(params) });
}

async function upgrade(token) {
  const socket = new WebSocket(mcp.replace("http", "ws"), { headers: bearer(token) });
  const opened = once(socket, "open").then(() => ({ status: 101 }));
  const refused = once(socket, "unexpected-response").then(([, { statusCode, headers }]) => ({
    status: statusCode,
    headers: new Headers(headers),
  }));
  socket.on("error", () => {});
  const { status, headers } = await Promise.race([opened, refused]);
  return { status, headers, socket };
}

const doors = {
  "POST /mcp, legacy": (token) => post(token, { name: "crm_contact_list" }),
  "POST /mcp, modern": (token) => post(token, { name: "crm_contact_list", _meta: modernMeta }, modernHeaders),
  "GET /auth/me": (token) => fetch(`${base}/auth/me`, { headers: bearer(token) }),
  "a WebSocket": async (token) => {
    const { status, headers, socket } = await upgrade(token);
    socket.terminate();
    return { status, headers };
  },
};

async function accepted(what, token) {
  const statuses = [];
  for (const open of Object.values(doors)) statuses.push((await open(token)).status);
  check(what, statuses, [200, 200, 200, 101]);
}

/** The statuses and challenges at all doors, which have to be the same. */
async function refused(what, token, status, challenge) {
  for (const [door, open] of Object.entries(doors)) {
    const response = await open(token);
    const said = response.headers?.get("www-authenticate") ?? "";
    const fits = response.status === status && challenge.test(said);
    if (!fits) check(`${what}: ${door}`, `${response.status} ${said}`, `${status} ${challenge}`);
  }
  check(`${what}: ${status} at every door`, true);
}

const invalid = (why) => {
  const pointer = `resource_metadata="${resourceMetadata}"`;
  return new RegExp(`^Bearer error="invalid_token", error_description=".*${why}.*", ${pointer}$`);
};

// The story.

writeFileSync(config, "");
await serve();
const [harbour, pine] = [createTenant("Harbour"), createTenant("Pine")];
await stop();
writeFileSync(
  config,
  `[oidc.corp]
  issuer = "${issuer}"
  audience = "${mcp}"
  tenants = ["${harbour}", "${pine}"]
  tenant_claim = "tenant"
  role_claim = "role"
  roles = { crm-admins = "admin", crm = "member", crm-guests = "viewer" }
  provision = true
`,
);
provider.accounts = {
  ann: { tenant: harbour, role: "crm-admins", email: "ann@harbour.example" },
  eve: { tenant: pine, role: "crm-admins", email: "eve@pine.example" },
  [provider.script.client_id]: { tenant: harbour, role: "crm-guests" },
};
await provider.start();
await serve();

console.log("discovery");
const document = await (await fetch(resourceMetadata)).json();
check("the server names the provider", document.authorization_servers, [issuer]);
check("the server names itself", document.resource, mcp);
for (const door of ["POST /mcp, legacy", "POST /mcp, modern"]) {
  const response = await doors[door](undefined);
  const challenge = `Bearer resource_metadata="${resourceMetadata}"`;
  check(`${door}, without a token: 401`, response.status, 401);
  check(`${door}, without a token: points there`, response.headers.get("www-authenticate"), challenge);
}

console.log("who is let in");
const ann = await signIn("ann", "modern");
provider.signWith = "ES256";
const eve = await signIn("eve", "legacy");
for (const [{ client, token }, login, tenant] of [
  [ann, "ann", harbour],
  [eve, "eve", pine],
]) {
  const who = await call(client, "auth_whoami");
  check(`${login} is in their tenant`, who.tenant.id, tenant);
  check(`${login} has the role that the provider gives`, [who.role, who.proof], ["admin", "external"]);
  const me = await (await doors["GET /auth/me"](token)).json();
  check(`${login} is the same over plain HTTP`, [me.tenant.id, me.role], [tenant, "admin"]);
  await accepted(`${login} is let in at every door`, token);
}
const good = await provider.issue();
await accepted("the script is let in at every door", good);
const { socket } = await upgrade(good);
socket.send(rpc({ name: "crm_contact_create", arguments: { name: "Nobody" } }));
const [answer] = await once(socket, "message");
const { _meta } = JSON.parse(answer).result;
check("the script may look and not touch", _meta["dev.sessile/error"].code, "not_allowed");
socket.terminate();

const mona = await call(ann.client, "crm_contact_create", { name: "Mona Lund" });
const ids = async (client) => (await call(client, "crm_contact_list")).items.map(({ id }) => id);
check("ann sees her tenant's contact", await ids(ann.client), [mona.id]);
check("eve, of another tenant, sees none", await ids(eve.client), []);
const foreign = await eve.client.callTool({ name: "crm_contact_get", arguments: { id: mona.id } });
check("nor does she find it by its id", foreign._meta["dev.sessile/error"].code, "not_found");

console.log("who is not");
const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
const decode = (part) => JSON.parse(Buffer.from(part, "base64url"));
const seconds = () => Math.floor(Date.now() / 1000);
const [head, payload, signature] = good.split(".");
const bySecret = (secret) => {
  const signed = `${encode({ ...decode(head), alg: "HS256" })}.${payload}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
};
const publicKey = await exportSPKI(provider.keys.find(({ alg }) => alg === "ES256").publicKey);
const raised = encode({ ...decode(payload), role: "crm-admins" });
const flipped = (signature[0] === "A" ? "B" : "A") + signature.slice(1);
const algorithm = "an algorithm that is not accepted";
// Those that the provider has signed itself say so in the audit log, by their subject.
const signed = `a token of ${issuer} for ${provider.script.client_id}, from 127.0.0.1: `;
const forged = `a token in the name of ${issuer}, from 127.0.0.1: `;
const times = (change) => provider.issue((token) => Object.assign(token.payload, change));
for (const [what, token, why, whose] of [
  ["expired", await times({ iat: seconds() - 400, exp: seconds() - 100 }), "it has expired", signed],
  ["for another audience", await times({ aud: "https://other.example" }), "another audience", signed],
  ["of another issuer", await times({ iss: "https://evil.example" }), "another issuer", signed],
  ["for later", await times({ nbf: seconds() + 200 }), "its time has not come", signed],
  ["without an end", await times({ exp: undefined }), "a claim is missing", signed],
  ["with a changed payload", `${head}.${raised}.${signature}`, "its signature is wrong", forged],
  ["with a changed signature", `${head}.${payload}.${flipped}`, "its signature is wrong", forged],
  ["signed by nobody", `${encode({ ...decode(head), alg: "none" })}.${payload}.`, "it is malformed", forged],
  ["signed with the public key as a secret", bySecret(publicKey), algorithm, forged],
  ["of an unknown key", await provider.issue((it) => (it.header = { kid: "unknown" })), "no such key", forged],
]) {
  await refused(what, token, 401, invalid(why));
  const entry = await eventually(async () => {
    const { entries } = await call(ann.client, "tenant_audit_log", { action: "auth.refused" });
    return entries.find(({ detail }) => detail.startsWith(whose) && detail.includes(why));
  });
  check(`${what}: the tenant's audit log has it`, entry?.detail.startsWith(whose));
}
const unknown = `${head}.${encode({ ...decode(payload), iss: "https://evil.example" })}.${signature}`;
await refused("of an issuer that nobody knows", unknown, 401, invalid("nor a token of an issuer"));
const { entries } = await call(ann.client, "tenant_audit_log", { action: "auth.refused" });
check("ten kinds of refusals, of which two are one to the log: nine entries", entries.length, 9);
const hers = await call(eve.client, "tenant_audit_log", { action: "auth.refused" });
check("the other tenant hears of none", hers.entries, []);
const log = readFileSync(logFile, "utf8");
check("the server's log tells of them all", log.split("refused a token").length - 1 >= 44);
check("and holds no token", /eyJ/.test(log), false);

console.log("new keys");
const unused = await provider.issue();
await untilKeysMayBeFetched();
await provider.stop();
await provider.replaceKeys("second");
await provider.start();
const renewed = await provider.issue();
await accepted("a token of a new key is good at once", renewed);
await refused("a token of the old key, used before", good, 401, invalid("no such key"));
await refused("a token of the old key, not used before", unused, 401, invalid("no such key"));

console.log("no provider");
const late = await provider.issue();
const lateUnknown = await provider.issue((token) => (token.header = { kid: "unknown" }));
await provider.stop();
await untilKeysMayBeFetched();
await accepted("a known key goes on working", late);
await refused("an unknown key: not now", lateUnknown, 503, /^$/);
await accepted("a token that was used before goes on working", renewed);
await stop();
process.exit(0);
