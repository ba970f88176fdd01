// Large files, fetched once and kept by the browser; works without a cache too.

/**
 * @template T
 * @param {string} cacheName
 * @param {string} url
 * @param {(bytes: ArrayBuffer) => Promise<T>} read makes of the bytes what is wanted, or throws if
 *   they are damaged; such bytes are not kept, and kept ones that have become so are fetched again
 * @param {(n: number) => void} onBytes told of each piece that arrives
 * @returns {Promise<T>}
 */
export async function fetchOnce(cacheName, url, read, onBytes) {
  const cache = await openCache(cacheName);
  const kept = await cache?.match(url);
  if (kept) {
    try {
      const bytes = await kept.arrayBuffer();
      const wanted = await read(bytes);
      onBytes(bytes.byteLength);
      return wanted;
    } catch {
      await cache?.delete(url);
    }
  }
  // Two copies on a phone would be one too many, and the browser's own may be the damaged one.
  const response = await fetch(url, { cache: cache ? "no-store" : "default" });
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  const bytes = await readAll(response, onBytes);
  const wanted = await read(bytes);
  await keep(cache, url, bytes, response);
  return wanted;
}

/** @param {Cache | null} cache @param {string} url @param {ArrayBuffer} bytes @param {Response} response */
async function keep(cache, url, bytes, response) {
  if (!cache) return;
  const type = response.headers.get("Content-Type") ?? "application/octet-stream";
  const headers = { "Content-Type": type };
  try {
    await cache.put(url, new Response(bytes, { headers }));
  } catch {
    // No room: it works now, and will be fetched again next time.
    return;
  }
  // Of a model or runtime only the newest version is worth its room.
  for (const { url: other } of await cache.keys()) {
    if (fileName(other) === fileName(url) && !other.endsWith(url)) await cache.delete(other);
  }
}

/** @param {string} url */
function fileName(url) {
  return url.split("?")[0].split("/").pop();
}

/** @param {Response} response @param {(n: number) => void} onBytes */
async function readAll(response, onBytes) {
  if (!response.body) return response.arrayBuffer();
  const reader = response.body.getReader();
  const chunks = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.byteLength;
    onBytes(value.byteLength);
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all.buffer;
}

/**
 * Null where browsers keep nothing: private windows, and plain HTTP off localhost.
 *
 * @param {string} name
 */
export async function openCache(name) {
  try {
    return (await globalThis.caches?.open(name)) ?? null;
  } catch {
    return null;
  }
}

/** @param {ArrayBuffer} bytes */
export async function sha256(bytes) {
  // Browsers lend the digest to secure pages only; elsewhere HTTP's own length check must do.
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
