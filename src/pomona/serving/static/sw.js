// Offline: the shell is kept as one version; a new one waits until the reader takes it.
// Model and runtime are kept by worker.js, facts and names by api.js, in caches of their own.

// Written by tools/stamp_shell.py; a test compares it with the files.
const SHELL = "29fe5a5ac262b53d";
const FILES = [
  "/static/css/base.css",
  "/static/css/pages.css",
  "/static/icons/pomona.svg",
  "/",
  "/static/js/api.js",
  "/static/js/app.js",
  "/static/js/camera.js",
  "/static/js/decide.js",
  "/static/js/dialogs.js",
  "/static/js/dom.js",
  "/static/js/history.js",
  "/static/js/i18n.js",
  "/static/js/icons.js",
  "/static/js/identify.js",
  "/static/js/knowledge.js",
  "/static/js/pages/camera.js",
  "/static/js/pages/contribute.js",
  "/static/js/pages/fruit.js",
  "/static/js/pages/fruits.js",
  "/static/js/pages/history.js",
  "/static/js/pages/look.js",
  "/static/js/pages/start.js",
  "/static/js/parts.js",
  "/static/js/pictures.js",
  "/static/js/pixels.js",
  "/static/js/prepare.js",
  "/static/js/recogniser.js",
  "/static/js/resample.js",
  "/static/js/runtime.js",
  "/static/js/store.js",
  "/static/js/strings/en.js",
  "/static/js/strings/fr.js",
  "/static/js/updates.js",
  "/static/js/wheel.js",
  "/static/js/wording.js",
  "/static/js/worker.js",
  "/manifest.webmanifest"
];
// Small companions of the WASM file; left out where `make web` was never run.
const RUNTIME_FILES = ["/static/vendor/ort.wasm.min.mjs", "/static/vendor/ort-wasm-simd-threaded.mjs"];

const CACHE = `pomona-shell-${SHELL}`;
const PAGE_CACHE = "pomona-privacy";

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("message", ({ data }) => data === "take-over" && worker.skipWaiting());
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname === "/privacy") event.respondWith(newestOf(request));
  else if (url.pathname === "/" || url.pathname === "/manifest.webmanifest") event.respondWith(keptOf(request));
  else if (url.pathname.startsWith("/static/")) event.respondWith(keptOf(request));
});

async function install() {
  const cache = await caches.open(CACHE);
  // "no-cache": what the browser has is asked about, for it may be of the version before; on a first
  // visit the page has just fetched it all, and nothing travels twice.
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
  await Promise.allSettled(RUNTIME_FILES.map((file) => cache.add(file)));
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith("pomona-shell-") && name !== CACHE) await caches.delete(name);
  }
  await worker.clients.claim();
}

/** @param {Request} request */
async function keptOf(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
}

/** @param {Request} request */
async function newestOf(request) {
  const cache = await caches.open(PAGE_CACHE);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request);
    if (!kept) throw error;
    return kept;
  }
}
