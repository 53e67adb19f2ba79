// Registers in Node. stdin: {"library": "sipjs" | "jssip", "configuration": ...}; stdout: the outcome, as JSON.
import { text } from "node:stream/consumers";
import { WebSocket } from "ws";

globalThis.WebSocket = WebSocket; // Node 20 has none; both libraries look for the global
const { register } = await import("./phones.mjs");
const { library, configuration } = JSON.parse(await text(process.stdin));
const phone = await register(library, configuration);
await phone.stop();
process.stdout.write(JSON.stringify(phone.outcome), () => process.exit());
