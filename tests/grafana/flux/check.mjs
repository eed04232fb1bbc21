// What the Flux language's own checker says of scripts.
//
//   node check.mjs < {"name": "script", ...}
//
// prints {"name": ["line 3: type error ...", ...], ...}; a script that is right has an empty list.
//
// The package is made for bundlers: Node does not load its WebAssembly by `import`, so that line of
// it is replaced by what loads it, and the module is read from memory.
import { readFileSync } from "node:fs";

const home = new URL("node_modules/@influxdata/flux-lsp-browser/", import.meta.url);

async function checker() {
  const source = readFileSync(new URL("flux-lsp-browser_bg.js", home), "utf8");
  const names = [...source.matchAll(/^export function (__wb\w+)/gm)].map((found) => found[1]);
  globalThis.fluxBytes = readFileSync(new URL("flux-lsp-browser_bg.wasm", home));
  const loading = `const module = undefined, wasm = new WebAssembly.Instance(
    new WebAssembly.Module(globalThis.fluxBytes),
    { "./flux-lsp-browser_bg.js": { ${names.join(", ")} } },
  ).exports;`;
  const ready = source.replace(/^import \* as wasm from .*$/m, loading);
  return import(`data:text/javascript;base64,${Buffer.from(ready).toString("base64")}`);
}

async function diagnostics(server, told, script) {
  const textDocument = { uri: "file:///script.flux", languageId: "flux", version: 1, text: script };
  told.length = 0;
  await server.send(message("textDocument/didOpen", { textDocument }));
  await new Promise((resolve) => setTimeout(resolve, 0));
  return told
    .map((text) => JSON.parse(text))
    .filter((said) => said.method === "textDocument/publishDiagnostics")
    .flatMap((said) => said.params.diagnostics)
    .filter((found) => found.severity === 1) // errors; it also has opinions, such as on "task"
    .map((found) => `line ${found.range.start.line + 1}: ${found.message}`);
}

function message(method, params, id) {
  return JSON.stringify({ jsonrpc: "2.0", method, params, id });
}

console.info = console.log = console.error; // standard output is for the answers alone
const flux = await checker();
const server = new flux.Lsp();
const told = [];
server.onMessage((text) => told.push(text));
server.run();
await server.send(message("initialize", { capabilities: {} }, 1));
await server.send(message("initialized", {}));

const answers = {};
for (const [name, script] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  const found = new Set(await diagnostics(server, told, script));
  if (!found.size && !flux.is_valid_flux(script)) found.add("not valid");
  answers[name] = [...found];
}
process.stdout.write(JSON.stringify(answers));
process.exit(0);
