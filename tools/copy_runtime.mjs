// Copy what the page ships of its npm packages; `make web` calls it after `npm ci`.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const PACKAGE = join(ROOT, "node_modules/onnxruntime-web");
const VENDOR = join(ROOT, "src/pomona/serving/static/vendor");
// The build for WebAssembly alone: those with WebGPU are twice as large.
const FILES = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"];

const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf-8"));
rmSync(VENDOR, { recursive: true, force: true });
mkdirSync(VENDOR, { recursive: true });
for (const file of FILES) copyFileSync(join(PACKAGE, "dist", file), join(VENDOR, file));
// Last: where it stands, the copy is whole.
writeFileSync(join(VENDOR, "VERSION"), `${version}\n`);
console.log(`ONNX Runtime Web ${version} is in the page.`);
