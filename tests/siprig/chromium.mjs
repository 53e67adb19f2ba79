// Drives headless Chromium for the tests, one JSON line on stdin a command, one on stdout an answer:
//   {"open": url, options}            a page of its own (cookies too); url null: the page with phones.mjs in it
//   {"page": number, "do": method, "args": [...]}   any method of Playwright's Page, or one of `more`
// Arguments of this process: the path of Chromium, and a file with the SPKI hashes that it trusts (or none).
import { readFileSync } from "node:fs";
import http from "node:http";
import { createInterface } from "node:readline";
import { buildSync } from "esbuild";
import { chromium } from "playwright-core";

const [executablePath, spki] = process.argv.slice(2);
const script = buildSync({
  entryPoints: [new URL("phones.mjs", import.meta.url).pathname],
  bundle: true, format: "iife", globalName: "phones", write: false,
}).outputFiles[0].text;
const server = http.createServer((request, response) => request.url === "/phones.js"
  ? response.setHeader("content-type", "text/javascript").end(script)
  : response.setHeader("content-type", "text/html").end(
    "<!doctype html><title>Phones</title><link rel=icon href=data:,><script src=/phones.js></script>"));
await new Promise((done) => server.listen(0, "127.0.0.1", done));

const browser = await chromium.launch({
  executablePath, headless: true, args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    ...(spki ? [`--ignore-certificate-errors-spki-list=${readFileSync(spki, "utf8").trim()}`] : []),
  ],
});
const pages = [];

const more = {
  received: ({ received }) => Promise.all(received).then((bodies) => bodies.join("\n")),
  console: ({ lines }) => lines,
  close: ({ context }) => context.close(),
};

async function open(url, { permissions = ["microphone"], ...options } = {}) {
  const context = await browser.newContext(options);
  await context.grantPermissions(permissions);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const received = [];
  const lines = [];
  page.on("console", (message) => lines.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => lines.push(`uncaught: ${error.message}`));
  page.on("response", (response) => received.push(heard(response)));
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => received.push(String(payload))));
  await page.goto(url ?? `http://127.0.0.1:${server.address().port}/`);
  return pages.push({ context, page, received, lines }) - 1;
}

// Everything the browser got from one response: its status line's URL, its headers, its body.
async function heard(response) {
  const headers = await response.headersArray();
  const body = await response.text().catch(() => ""); // a redirect has none
  return [response.url(), ...headers.map(({ name, value }) => `${name}: ${value}`), body].join("\n");
}

async function run(command) {
  if ("open" in command) return open(command.open, command.options);
  const at = pages[command.page];
  const { do: method, args } = command;
  if (method in more) return more[method](at, ...args);
  // A function comes as its text: JSON carries none.
  if (method === "evaluate") return at.page.evaluate(`(${args[0]})(...${JSON.stringify(args.slice(1))})`);
  const answer = await at.page[method](...args);
  return ["string", "number", "boolean"].includes(typeof answer) ? answer : null;
}

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await run(JSON.parse(line)).then((value) => ({ value: value ?? null }), (error) => ({ error: String(error) }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
server.closeAllConnections();
server.close();
