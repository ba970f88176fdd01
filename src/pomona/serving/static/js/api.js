// The server's side of the contract; what the page needs offline is kept as it comes.

import { language } from "./i18n.js";
import { openCache } from "./store.js";

const DATA_CACHE = "pomona-data";

/** An answer of the server that is no success; says when to come back, if it did. */
export class ServerError extends Error {
  /** @param {{message: string, advice?: string}} said @param {number} status @param {number | null} retryAfterS */
  constructor({ message, advice }, status, retryAfterS) {
    super([message, advice].filter(Boolean).join(" "));
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** What an error says; anything may be thrown. @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/** @returns {Promise<Config>} */
export const fetchConfig = () => fetchKept("/v1/config");
/** @returns {Promise<Model>} */
export const fetchModel = () => fetchKept("/v1/model");
/** @param {Lang} lang @returns {Promise<{fruits: Sheets}>} */
export const fetchFacts = (lang) => fetchKept(`/v1/facts?lang=${lang}`);

/** The newest there is: of the network, or what was kept when it last answered. @param {string} url */
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

/** @param {Blob[]} blobs made by withoutMetadata @returns {Promise<Answer>} */
export async function identifyOnServer(blobs) {
  const form = new FormData();
  blobs.forEach((blob, i) => form.append("images", blob, `${i + 1}.jpg`));
  return send(`/v1/identify?lang=${language()}&top=5`, { method: "POST", body: form });
}

/**
 * @param {Blob} blob @param {string} label @param {string} consentVersion
 * @returns {Promise<Contribution>}
 */
export async function contribute(blob, label, consentVersion) {
  const form = new FormData();
  form.append("image", blob, "1.jpg");
  form.append("label", label);
  form.append("consent_version", consentVersion);
  form.append("lang", language());
  return send("/v1/contributions", { method: "POST", body: form });
}

/** Whether there was a photograph of this code. @param {string} code */
export async function deleteContribution(code) {
  try {
    await send(`/v1/contributions/${encodeURIComponent(code)}`, { method: "DELETE" });
    return true;
  } catch (error) {
    if (error instanceof ServerError && error.status === 404) return false;
    throw error;
  }
}

/** @param {string} url @param {RequestInit} options */
async function send(url, options) {
  const response = await fetch(url, options);
  if (response.status === 204) return null;
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const wait = Number(response.headers.get("Retry-After")) || null;
  throw new ServerError(body.error ?? { message: `HTTP ${response.status}.` }, response.status, wait);
}
