// Plays the story of http_story.py through the TypeScript SDK's second generation, in both eras.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const url = new URL(process.argv[2]);

async function connect(era, token) {
  const client = new Client(
    { name: "typescript-sdk", version: "2" },
    era === "modern" ? { versionNegotiation: { mode: "auto" } } : {},
  );
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
  return client;
}

async function call(client, name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, `${name} was refused: ${JSON.stringify(result)}`);
  return result.structuredContent;
}

async function refused(client, code, name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  assert.equal(result.isError, true, `${name} should be refused`);
  assert.equal(result._meta["dev.sessile/error"].code, code);
}

async function contactIds(client) {
  return (await call(client, "crm_contact_list")).items.map(({ id }) => id);
}

function say(line) {
  console.log(`  ${line}`);
}

async function play(era) {
  const run = randomUUID();
  const person = { email: `ann-${run}@harbour.example`, password: `a long one, ${run}` };
  const stranger = await connect(era);
  await refused(stranger, "not_signed_in", "crm_contact_list");
  const { tokens } = await call(stranger, "auth_sign_up", { ...person, tenant_name: "Harbour" });
  const other = { ...person, email: `eve-${run}@pine.example`, tenant_name: "Pine" };
  const eve = await connect(era, (await call(stranger, "auth_sign_up", other)).tokens.access_token);
  say(`${era}: signed up by a tool, and was given tokens for it`);

  const ann = await connect(era, tokens.access_token);
  const { tools } = await ann.listTools();
  assert.ok(tools.some(({ name }) => name === "crm_contact_list"));
  const mona = await call(ann, "crm_contact_create", { name: "Mona Lund" });
  const uri = `crm://contacts/${mona.id}`;
  assert.ok((await ann.readResource({ uri })).contents[0].text.includes(mona.id));
  say(`${era}: created and read a contact with the token`);

  if (era === "legacy") {
    const changed = new Promise((resolve) =>
      ann.setNotificationHandler("notifications/resources/updated", ({ params }) => resolve(params.uri)),
    );
    await ann.subscribeResource({ uri });
    await call(ann, "crm_contact_update", { id: mona.id, version: mona.version, job_title: "Skipper" });
    const late = new Promise((_, reject) =>
      setTimeout(() => reject(new Error("heard of no change")), 10_000).unref(),
    );
    assert.equal(await Promise.race([changed, late]), uri);
    say(`${era}: was told of a change`);
  }

  assert.deepEqual(await contactIds(ann), [mona.id]);
  assert.deepEqual(await contactIds(eve), []);
  await refused(eve, "not_found", "crm_contact_get", { id: mona.id });
  await assert.rejects(eve.readResource({ uri }));
  say(`${era}: showed another tenant an empty list, and not_found for the contact`);

  const key = await call(ann, "auth_create_api_key", { name: "nightly export", role: "viewer" });
  const script = await connect(era, key.key);
  assert.deepEqual(await contactIds(script), [mona.id]);
  await refused(script, "not_allowed", "crm_contact_create", { name: "Nobody" });
  await call(ann, "auth_revoke_api_key", { key_id: key.id });
  await assert.rejects(contactIds(script));
  await call(ann, "auth_sign_out");
  await assert.rejects(contactIds(ann));
  say(`${era}: a revoked key and a token that was signed out were good for nothing more`);
  for (const client of [stranger, eve]) await client.close();
}

for (const era of ["legacy", "modern"]) await play(era);
process.exit(0);
