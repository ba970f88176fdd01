// The recogniser in its worker, as the page sees it: a state to show and a question to ask.

import { canPrepare } from "./prepare.js";

/**
 * States: idle, loading (progress 0 to 1), ready, unsupported (this browser cannot), failed (it
 * could: no network, no memory). A "change" event tells of each.
 */
export class Recogniser extends EventTarget {
  state = "idle";
  progress = 0;
  reason = "";
  // The reader asked the browser to save data: loading then waits for a word.
  saving = false;
  #worker;
  #waiting = new Map();
  #loading;
  #next = 0;
  #bytes = 1;

  /** Load once; a second call waits for the first, and after a failure tries again. */
  load(model, runtime) {
    if (this.state === "failed" || !this.#loading) this.#loading = this.#load(model, runtime);
    return this.#loading;
  }

  /** What the page found out itself: the server could not be asked what to load. */
  fail(reason) {
    this.#become("failed", reason);
  }

  /** Scores of one picture; the bitmap is handed over and gone afterwards. */
  score(bitmap) {
    return this.#ask("score", { bitmap }, [bitmap]);
  }

  async #load(model, runtime) {
    const reason = whyNot(model, runtime);
    if (reason) return this.#become("unsupported", reason);
    this.#bytes = model.size_bytes + runtime.size_bytes;
    this.#become("loading");
    try {
      this.#start();
      const { threads } = await this.#ask("load", { model, runtimeVersion: runtime.version });
      this.threads = threads;
      return this.#become("ready");
    } catch (error) {
      this.#stop(error);
      return this.#become("failed", error.message);
    }
  }

  #start() {
    this.#worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.#worker.addEventListener("message", ({ data }) => this.#hear(data));
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#stop(new Error(event.message || "The worker did not start."));
      if (this.state === "ready") this.#become("failed", event.message);
    });
  }

  #stop(error) {
    this.#worker?.terminate();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #ask(action, message, transfer = []) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, action, ...message }, transfer);
    });
  }

  #hear({ id, received, result, error }) {
    if (received !== undefined) {
      this.progress = Math.min(1, received / this.#bytes);
      this.dispatchEvent(new Event("change"));
      return;
    }
    const { resolve, reject } = this.#waiting.get(id) ?? {};
    this.#waiting.delete(id);
    if (error === undefined) resolve?.(result);
    else reject?.(new Error(error));
  }

  #become(state, reason = "") {
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("change"));
    return state;
  }
}

function whyNot(model, runtime) {
  if (!runtime) return "runtime";
  if (!canPrepare(model.preprocessing)) return "preprocessing";
  if (typeof WebAssembly !== "object" || typeof Worker === "undefined") return "browser";
  if (typeof OffscreenCanvas === "undefined") return "browser";
  if (typeof DecompressionStream === "undefined") return "browser";
  return "";
}
