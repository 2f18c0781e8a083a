// Opens YAML files in a language server like an editor, and checks the diagnostics:
//   node language-server.mjs SERVER SCHEMA FILE…
// Each FILE must give none, each text of `broken` the expected one.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const PATIENCE_MS = 120_000;

const provider = "providers:\n  chat: {kind: zim, app_id: 1, operator: admin}\n";
const broken = [
  { fault: "an unknown key", text: `version: 1\n${provider}rooms:\n  - id: lobby\n    colour: red\n`, says: /colour/, line: 5 },
  { fault: "an unknown key at the top", text: `version: 1\n${provider}polcy: {}\nrooms: []\n`, says: /polcy/, line: 3 },
  { fault: "a list where text is wanted", text: `version: 1\n${provider}rooms:\n  - id: [lobby]\n`, says: /type/i, line: 4 },
  { fault: "text where a version is wanted", text: `version: one\n${provider}rooms: []\n`, says: /./, line: 0 },
  { fault: "rooms with nothing after it", text: `version: 1\n${provider}rooms:\n`, says: /type/i, line: 3 },
  { fault: "no version", text: `${provider}rooms: []\n`, says: /version/ },
];

const [server, schema, ...files] = process.argv.slice(2);
const modeline = `# yaml-language-server: $schema=${pathToFileURL(resolve(schema))}`;
const settings = { yaml: { schemaStore: { enable: false }, validate: true } };

const child = spawn(process.execPath, [server, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const waiting = new Map(); // by request id or document URI: the waiting callback
let asked = 0;

function send(message) {
  const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
  child.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
  child.stdin.write(body);
}

function receive(message) {
  const { id, method, params, result } = message;
  if (method === undefined) {
    waiting.get(id)?.(result);
  } else if (method === "workspace/configuration") {
    send({ id, result: params.items.map((item) => settings[item.section] ?? null) });
  } else if (id !== undefined) {
    send({ id, result: null });
  } else if (method === "textDocument/publishDiagnostics") {
    waiting.get(params.uri)?.(params.diagnostics);
  }
}

let unread = Buffer.alloc(0);
child.stdout.on("data", (chunk) => {
  unread = Buffer.concat([unread, chunk]);
  for (;;) {
    const head = unread.indexOf("\r\n\r\n");
    if (head < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(unread.subarray(0, head))[1]);
    const end = head + 4 + length;
    if (unread.length < end) return;
    const body = unread.subarray(head + 4, end).toString();
    unread = unread.subarray(end);
    receive(JSON.parse(body));
  }
});

function answer(key, act) {
  return new Promise((done) => {
    waiting.set(key, done);
    act();
  });
}

function request(method, params) {
  const id = ++asked;
  return answer(id, () => send({ id, method, params }));
}

/** The diagnostics of a text, with its lines as the text has them. */
async function diagnose(name, text) {
  const uri = `file:///roomctl-schema-check/${name}`;
  // A starter file names the schema that `init` writes beside it: it is replaced by the schema under test.
  const own = text.replace(/^# yaml-language-server:.*$/m, "#");
  const document = { uri, languageId: "yaml", version: 1, text: `${modeline}\n${own}` };
  const open = () => send({ method: "textDocument/didOpen", params: { textDocument: document } });
  const found = await answer(uri, open);
  return found.map(({ message, range }) => ({ message, line: range.start.line - 1 }));
}

function fail(words) {
  console.error(words);
  child.kill();
  process.exit(1);
}

child.on("exit", (code) => fail(`the language server ended by itself (${code})`));
setTimeout(() => fail("the language server does not answer"), PATIENCE_MS).unref();

await request("initialize", {
  processId: process.pid,
  rootUri: null,
  capabilities: { workspace: { configuration: true }, textDocument: { publishDiagnostics: {} } },
});
send({ method: "initialized", params: {} });
send({ method: "workspace/didChangeConfiguration", params: { settings } });

// The broken texts first: their diagnostics show that the schema is in use.
for (const [number, { fault, text, says, line }] of broken.entries()) {
  const found = await diagnose(`broken-${number}.yaml`, text);
  const told = found.some((one) => says.test(one.message) && (line ?? one.line) === one.line);
  if (!told) fail(`${fault} was not told; told was: ${JSON.stringify(found)}\n${text}`);
}
for (const file of files) {
  const found = await diagnose(file, readFileSync(file, "utf8"));
  const lines = found.map(({ line, message }) => `${file}:${line + 1}: ${message}`);
  if (found.length > 0) fail(`the schema refuses a file that is sound:\n${lines.join("\n")}`);
}
console.log(`${files.length} sound files without diagnostics, ${broken.length} broken ones told`);
child.removeAllListeners("exit");
child.kill();
