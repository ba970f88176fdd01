// Copy what the page ships of its npm packages; `make web` calls it after `npm ci`.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, gzipSync } from "node:zlib";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const PACKAGE = join(ROOT, "node_modules/onnxruntime-web");
const VENDOR = join(ROOT, "src/pomona/serving/static/vendor");
// The build for WebAssembly alone: those with WebGPU are twice as large.
const SCRIPTS = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs"];
// A quarter of its size when packed, on disk and on the way; the browser unpacks it itself.
const NETWORK_ENGINE = "ort-wasm-simd-threaded.wasm";

const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf-8"));
rmSync(VENDOR, { recursive: true, force: true });
mkdirSync(VENDOR, { recursive: true });
for (const file of SCRIPTS) copyFileSync(join(PACKAGE, "dist", file), join(VENDOR, file));
const engine = readFileSync(join(PACKAGE, "dist", NETWORK_ENGINE));
const level = constants.Z_BEST_COMPRESSION;
writeFileSync(join(VENDOR, `${NETWORK_ENGINE}.gz`), gzipSync(engine, { level }));
// Last: where it stands, the copy is whole.
writeFileSync(join(VENDOR, "VERSION"), `${version}\n`);
console.log(`ONNX Runtime Web ${version} is in the page.`);
