// Plays the story of story.py through the TypeScript SDK's WebSocket client.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { WebSocketClientTransport } from "@modelcontextprotocol/sdk/client/websocket.js";
import {
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import WebSocket from "ws";

// The SDK takes the browser's WebSocket, which Node has built in only since version 22.
globalThis.WebSocket ??= WebSocket;

const { values, positionals } = parseArgs({
  options: { pause: { type: "boolean" } },
  allowPositionals: true,
});
const [url] = positionals;
const TOOLS_CHANGED = "notifications/tools/list_changed";

/** One connection: calls go out, news come in. */
class Connection {
  #client = new Client({ name: "typescript-sdk", version: "1" });
  #news = [];
  #wake = () => {};

  static async open() {
    const connection = new Connection();
    const client = connection.#client;
    client.setNotificationHandler(ToolListChangedNotificationSchema, ({ method }) =>
      connection.#tell(method),
    );
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) =>
      connection.#tell(params.uri),
    );
    await client.connect(new WebSocketClientTransport(new URL(url)));
    return connection;
  }

  #tell(news) {
    this.#news.push(news);
    this.#wake();
  }

  async hear(expected) {
    if (this.#news.length === 0) {
      await new Promise((resolve, reject) => {
        const giveUp = () => reject(new Error(`heard nothing, expected ${expected}`));
        const timer = setTimeout(giveUp, 10_000);
        this.#wake = () => resolve(clearTimeout(timer));
      });
    }
    assert.equal(this.#news.shift(), expected);
  }

  hearNothingMore() {
    assert.deepEqual(this.#news, []);
  }

  async call(name, args = {}) {
    // For every tool that it has listed, the SDK holds the result against the output schema.
    const result = await this.#client.callTool({ name, arguments: args });
    assert.ok(!result.isError, `${name} was refused: ${JSON.stringify(result)}`);
    return result.structuredContent;
  }

  async refused(code, name, args = {}) {
    const result = await this.#client.callTool({ name, arguments: args });
    assert.equal(result.isError, true, `${name} should be refused`);
    assert.equal(result._meta["dev.sessile/error"].code, code);
  }

  async tools() {
    return (await this.#client.listTools()).tools;
  }

  async contactIds() {
    return (await this.call("crm_contact_list")).items.map(({ id }) => id);
  }

  async subscribe(uri) {
    await this.#client.subscribeResource({ uri });
  }

  async read(uri) {
    return (await this.#client.readResource({ uri })).contents[0].text;
  }

  async close() {
    await this.#client.close();
  }
}

function say(line) {
  console.log(`  ${line}`);
}

const run = randomUUID();
const password = `a long one, ${run}`;
const annEmail = `ann-${run}@harbour.example`;
const [ann, desk, eve] = [await Connection.open(), await Connection.open(), await Connection.open()];

await ann.refused("not_signed_in", "crm_contact_list");
await ann.call("auth_sign_up", { email: annEmail, password, tenant_name: "Harbour" });
await ann.hear(TOOLS_CHANGED);
const tools = await ann.tools();
assert.ok(tools.some(({ name }) => name === "crm_contact_list"));
for (const { name, inputSchema } of tools) {
  for (const forbidden of ["token", "tenant", "tenant_id"]) {
    assert.ok(!(forbidden in (inputSchema.properties ?? {})), `${name} takes ${forbidden}`);
  }
}
say("signed in once, by a tool, and was told that the tools changed");

const mona = await ann.call("crm_contact_create", { name: "Mona Lund" });
const uri = `crm://contacts/${mona.id}`;
assert.ok((await ann.read(uri)).includes(mona.id));
say("created and read a contact without a token");

const eveEmail = `eve-${run}@pine.example`;
await eve.call("auth_sign_up", { email: eveEmail, password, tenant_name: "Pine" });
await eve.hear(TOOLS_CHANGED);
await ann.subscribe(uri);
await eve.subscribe(uri).catch(() => {}); // whatever it answers, she must hear nothing
await desk.call("auth_sign_in", { email: annEmail, password });
await desk.hear(TOOLS_CHANGED);
const change = { id: mona.id, version: mona.version, job_title: "Skipper" };
await desk.call("crm_contact_update", change);
await ann.hear(uri);
assert.equal((await ann.call("crm_contact_get", { id: mona.id })).job_title, "Skipper");
say("was told of a change that a second connection made");
if (values.pause) {
  say("Press Enter to go on.");
  await once(process.stdin, "data");
  process.stdin.pause();
}

assert.deepEqual(await ann.contactIds(), [mona.id]);
assert.deepEqual(await desk.contactIds(), [mona.id]);
assert.deepEqual(await eve.contactIds(), []);
await eve.refused("not_found", "crm_contact_get", { id: mona.id });
await assert.rejects(eve.read(uri));
eve.hearNothingMore();
say("showed another tenant an empty list, not_found for the contact, and no news of it");

await ann.call("auth_sign_out");
await ann.hear(TOOLS_CHANGED);
await ann.refused("not_signed_in", "crm_contact_list");
for (const connection of [ann, desk, eve]) {
  connection.hearNothingMore();
  await connection.close();
}
say("signed out, and was a stranger again");
