// The unmodified Node SDK against a running `tipring dev`: what a developer does on the first day.
//
// Usage: smoke.js [--unmodified] STATE_FILE   (the dev.json that `tipring dev` writes)
// With --unmodified no client is told where the box is: the environment's HTTP_PROXY and NODE_EXTRA_CA_CERTS say it.
// Each check prints a line; the last line is "N passed, N failed".
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const http = require("node:http");
const twilio = require("twilio");

// How long anything may take that a caller would wait for.
const LIMIT_MS = 40000;

const words = process.argv.slice(2);
const unmodified = words.includes("--unmodified");
const state = JSON.parse(fs.readFileSync(words.find((word) => !word.startsWith("--")), "utf8"));

function client(token) {
  const made = twilio(state.account, token);
  if (!unmodified) made.api.baseUrl = state.api;
  return made;
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function until(what, look) {
  const end = Date.now() + LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < end, what);
    await pause(200);
  }
}

// The developer's own server: keeps what it was asked.
class Application {
  constructor() {
    this.asked = [];
    this.server = http.createServer((request, response) => {
      let body = "";
      request.on("data", (piece) => (body += piece));
      request.on("end", () => {
        const form = Object.fromEntries(new URLSearchParams(body));
        this.asked.push({ path: request.url, form, signature: request.headers["x-twilio-signature"] });
        response.setHeader("Content-Type", "text/xml");
        response.end("<Response><Pause length='20'/></Response>");
      });
    });
  }

  async start() {
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    this.base = `http://127.0.0.1:${this.server.address().port}`;
  }

  wait(path, fits = () => true) {
    const look = () => this.asked.find((asked) => asked.path === path && fits(asked.form));
    return until(`${path} was not asked`, look);
  }
}

const app = new Application();
const box = client(state.token);
const callee = { to: "+12025550123", from: state.from };

const checks = {
  async "the account is active"() {
    const account = await box.api.accounts(state.account).fetch();
    assert.strictEqual(account.status, "active");
    assert.ok(account.dateCreated instanceof Date);
  },

  async "a wrong token is refused"() {
    await assert.rejects(client("not-the-token").api.accounts(state.account).fetch(), { status: 401, code: 20003 });
  },

  async "a call with a document goes out and is completed"() {
    const twiml = new twilio.twiml.VoiceResponse();
    twiml.say("Hello from a program.");
    twiml.pause({ length: 20 });
    const made = await box.calls.create({ ...callee, twiml });
    assert.ok(/^CA[0-9a-f]{32}$/.test(made.sid), made.sid);
    assert.strictEqual(made.status, "queued");
    const fetch = () => box.calls(made.sid).fetch();
    await until("nobody answered", async () => (await fetch()).status === "in-progress");
    await box.calls(made.sid).update({ status: "completed" });
    const ended = await until("the call goes on", async () => {
      const call = await fetch();
      return call.status === "completed" && call;
    });
    assert.ok(ended.startTime <= ended.endTime);
  },

  async "a list walks page by page"() {
    const made = [];
    for (let n = 0; n < 5; n++) {
      made.push(await box.incomingPhoneNumbers.create({ phoneNumber: `+1500555030${n}` }));
    }
    try {
      const walked = (await box.incomingPhoneNumbers.list({ pageSize: 2 })).map((number) => number.sid);
      assert.strictEqual(new Set(walked).size, walked.length);
      for (const number of made) assert.ok(walked.includes(number.sid));
      const first = await box.calls.page({ pageSize: 1 });
      assert.strictEqual(first.instances.length, 1);
      const second = await first.nextPage();
      assert.notStrictEqual(second.instances[0].sid, first.instances[0].sid);
    } finally {
      for (const number of made) assert.ok(await box.incomingPhoneNumbers(number.sid).remove());
    }
  },

  async "webhooks are signed with the account's token"() {
    const url = `${app.base}/voice?q=a%20b`;
    const call = await box.calls.create({ ...callee, url, statusCallback: `${app.base}/status` });
    const asked = await app.wait("/voice?q=a%20b");
    await box.calls(call.sid).update({ status: "completed" });
    const told = await app.wait("/status", (form) => form.CallStatus === "completed");
    for (const { path, form, signature } of [asked, told]) {
      const good = (token, form) => twilio.validateRequest(token, signature, app.base + path, form);
      assert.ok(good(state.token, form), path);
      assert.ok(!good(state.token, { ...form, To: "+12025550199" }), path);
      assert.ok(!good("another token", form), path);
    }
  },

  async "another region is this box too"() {
    if (!unmodified) return;
    const abroad = twilio(state.account, state.token, { region: "ie1", edge: "dublin" });
    assert.strictEqual((await abroad.api.accounts(state.account).fetch()).status, "active");
  },
};

async function main() {
  await app.start();
  let passed = 0;
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      passed += 1;
      console.log(`ok    ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL  ${name}: ${error}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed || !passed ? 1 : 0);
}

main();
