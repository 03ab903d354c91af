// A menu that connects to the desk or takes a message. Nothing but Node: `TOKEN=… PORT=3000 node app.js`, and the
// number's URL is http://<this host>:3000/voice. TOKEN is the account's; whoever does not sign with it gets 403.
const crypto = require("node:crypto");
const http = require("node:http");

const token = process.env.TOKEN || "";
const port = Number(process.env.PORT || 3000);
const desk = process.env.DESK || "+12025550100";
const LARGEST = 64 * 1024;

const escaped = (text) => text.replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`);
const say = (text) => `<Say>${escaped(text)}</Say>`;

const menu = () =>
  `<Gather numDigits="1" timeout="5" action="/choice">${say("Press one for the desk, two to leave a message.")}</Gather>` +
  say("You pressed nothing. Good bye.");

const choice = (form) => {
  switch (form.get("Digits")) {
    case "1":
      return `<Dial timeout="20" action="/dialled">${escaped(desk)}</Dial>`;
    case "2":
      return say("Speak after the tone.") + `<Record maxLength="60" timeout="3" action="/recorded"/>`;
    default:
      return say("There is no such choice.") + "<Redirect>/voice</Redirect>";
  }
};

const dialled = (form) =>
  form.get("DialCallStatus") === "completed"
    ? "<Hangup/>"
    : say("Nobody answers. Speak after the tone.") + `<Record maxLength="60" timeout="3" action="/recorded"/>`;

const recorded = (form) => {
  console.log(`message from ${form.get("From")}: ${form.get("RecordingUrl")}`);
  return say("Thank you.");
};

const pages = { "/voice": menu, "/choice": choice, "/dialled": dialled, "/recorded": recorded };

// HMAC-SHA1 over the URL and each different field, sorted by name, then by value.
function isOurs(url, fields, signature) {
  const bytewise = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const sorted = [...fields].sort((a, b) => bytewise(a[0], b[0]) || bytewise(a[1], b[1]));
  const once = sorted.filter(([name, value], at) => !at || name !== sorted[at - 1][0] || value !== sorted[at - 1][1]);
  const text = url + once.map(([name, value]) => name + value).join("");
  const wanted = crypto.createHmac("sha1", token).update(text).digest();
  const given = Buffer.from(signature || "", "base64");
  return given.length === wanted.length && crypto.timingSafeEqual(given, wanted);
}

function answer(response, status, body) {
  response.writeHead(status, { "Content-Type": status === 200 ? "text/xml" : "text/plain" });
  response.end(body);
}

const server = http.createServer((request, response) => {
  const parts = [];
  let octets = 0;
  request.on("data", (part) => {
    octets += part.length;
    if (octets > LARGEST) return request.destroy();
    parts.push(part);
  });
  request.on("end", () => {
    const form = new URLSearchParams(Buffer.concat(parts).toString());
    // Behind a proxy: the scheme and host that the box asked for.
    const url = `http://${request.headers.host}${request.url}`;
    if (!isOurs(url, form, request.headers["x-twilio-signature"])) return answer(response, 403, "not signed\n");
    const page = Object.hasOwn(pages, request.url) ? pages[request.url] : undefined;
    if (!page) return answer(response, 404, "no such page\n");
    answer(response, 200, `<Response>${page(form)}</Response>`);
  });
});

if (!token) {
  console.error("TOKEN is missing: the account's token is expected");
  process.exit(2);
}
server.listen(port, "127.0.0.1", () => console.log(`listening on port ${server.address().port}`));
