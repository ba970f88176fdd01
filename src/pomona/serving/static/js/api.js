// The server's side of the contract; what the page needs offline is kept as it comes.

import { language } from "./i18n.js";
import { openCache } from "./store.js";

const DATA_CACHE = "pomona-data";

/** An answer of the server that is no success; says when to come back, if it did. */
export class ServerError extends Error {
  constructor({ code, message, advice }, retryAfterS) {
    super([message, advice].filter(Boolean).join(" "));
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

export const fetchConfig = () => fetchKept("/v1/config");
export const fetchModel = () => fetchKept("/v1/model");
export const fetchFacts = (lang) => fetchKept(`/v1/facts?lang=${lang}`);

/** The newest there is: of the network, or what was kept when it last answered. */
async function fetchKept(url) {
  const cache = await openCache(DATA_CACHE);
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
    await cache?.put(url, response.clone()).catch(() => {});
    return await response.json();
  } catch (error) {
    const kept = await cache?.match(url);
    if (!kept) throw error;
    return kept.json();
  }
}

/** @param {Blob[]} blobs made by withoutMetadata */
export async function identifyOnServer(blobs) {
  const form = new FormData();
  blobs.forEach((blob, i) => form.append("images", blob, `${i + 1}.jpg`));
  return send(`/v1/identify?lang=${language()}&top=5`, { method: "POST", body: form });
}

/** @returns {Promise<{code: string, label: string, retention_days: number|null}>} */
export async function contribute(blob, label, consentVersion) {
  const form = new FormData();
  form.append("image", blob, "1.jpg");
  form.append("label", label);
  form.append("consent_version", consentVersion);
  form.append("lang", language());
  return send("/v1/contributions", { method: "POST", body: form });
}

/** Whether there was a photograph of this code. */
export async function deleteContribution(code) {
  try {
    await send(`/v1/contributions/${encodeURIComponent(code)}`, { method: "DELETE" });
    return true;
  } catch (error) {
    if (error.status === 404) return false;
    throw error;
  }
}

async function send(url, options) {
  const response = await fetch(url, options);
  if (response.status === 204) return null;
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const wait = Number(response.headers.get("Retry-After")) || null;
  const said = body.error ?? { code: "http", message: `HTTP ${response.status}.` };
  throw Object.assign(new ServerError(said, wait), { status: response.status });
}
