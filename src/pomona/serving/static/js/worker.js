// Recognition off the main thread: the network, its pixels and its scores.

import { combineScores } from "./decide.js";
import { readPixels } from "./pixels.js";
import { prepareViews } from "./prepare.js";
import { fetchOnce, sha256 } from "./store.js";

const VENDOR = "/static/vendor";
const ENGINE = `${VENDOR}/ort-wasm-simd-threaded.wasm.gz`;
const RUNTIME_CACHE = "pomona-runtime";
const MODEL_CACHE = "pomona-model";
// More threads than this gain little on a network of this size, and warm the phone.
const MAX_THREADS = 4;

/** @type {typeof import("onnxruntime-web")} */
let ort;
/** @type {import("onnxruntime-web").InferenceSession} */
let session;
/** @type {Preprocessing} */
let preprocessing;

/** @param {WorkerReply} reply */
const answer = (reply) => self.postMessage(reply);

addEventListener("message", async ({ data }) => {
  const request = /** @type {WorkerRequest} */ (data);
  const { id } = request;
  try {
    answer({ id, result: await (request.action === "load" ? load(request) : score(request)) });
  } catch (error) {
    answer({ id, error: error instanceof Error ? error.message : String(error) });
  }
});

/** @param {LoadRequest} request */
async function load({ model, runtimeVersion }) {
  let received = 0;
  const onBytes = (/** @type {number} */ n) => answer({ received: (received += n) });
  const [wasm, network] = await Promise.all([
    fetchOnce(RUNTIME_CACHE, `${ENGINE}?v=${runtimeVersion}`, unpack, onBytes),
    fetchOnce(MODEL_CACHE, model.url, (bytes) => verify(bytes, model.sha256), onBytes),
  ]);
  ort = await import(`${VENDOR}/ort.wasm.min.mjs`);
  ort.env.logLevel = "error";
  ort.env.wasm.wasmBinary = wasm;
  ort.env.wasm.wasmPaths = { mjs: `${VENDOR}/ort-wasm-simd-threaded.mjs` };
  ort.env.wasm.numThreads = self.crossOriginIsolated
    ? Math.min(MAX_THREADS, navigator.hardwareConcurrency || 1)
    : 1;
  session = await ort.InferenceSession.create(network, {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
    // Errors only: it warns of constants that a model has and does not use.
    logSeverityLevel: 3,
  });
  preprocessing = model.preprocessing;
  // The runtime takes fewer where it has to.
  return { threads: ort.env.wasm.numThreads ?? 1 };
}

/** @param {ArrayBuffer} bytes */
function unpack(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** @param {ArrayBuffer} bytes @param {string} expected */
async function verify(bytes, expected) {
  const found = await sha256(bytes);
  if (found !== null && found !== expected) throw new Error("The network was damaged on the way.");
  return new Uint8Array(bytes);
}

/** @param {ScoreRequest} request */
async function score({ bitmap }) {
  const start = performance.now();
  const image = readPixels(bitmap);
  bitmap.close();
  const views = prepareViews(image, preprocessing);
  const prepared = performance.now();
  const scores = [];
  for (const view of views) scores.push(await run(view));
  const timing = { decode: prepared - start, network: performance.now() - prepared };
  return { ...combineScores(scores), timing };
}

/** @param {Uint8Array} pixels @returns {Promise<Score>} */
async function run(pixels) {
  const [height, width] = preprocessing.input_size;
  const images = new ort.Tensor("uint8", pixels, [1, height, width, 3]);
  const { probabilities, strangeness } = await session.run({ images }, ["probabilities", "strangeness"]);
  return { probabilities: /** @type {Float32Array} */ (probabilities.data), strangeness: Number(strangeness.data[0]) };
}
