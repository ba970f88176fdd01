// The recogniser in its worker, as the page sees it: a state to show and a question to ask.

import { canPrepare } from "./prepare.js";

/**
 * States: idle, loading (progress 0 to 1), ready, unsupported (this browser cannot), failed (it
 * could: no network, no memory). A "change" event tells of each.
 */
export class Recogniser extends EventTarget {
  /** @type {"idle" | "loading" | "ready" | "unsupported" | "failed"} */
  state = "idle";
  progress = 0;
  reason = "";
  // The reader asked the browser to save data: loading then waits for a word.
  saving = false;
  threads = 0;
  /** @type {Worker | null} */
  #worker = null;
  /** @type {Map<number, {resolve: (result: never) => void, reject: (error: Error) => void}>} */
  #waiting = new Map();
  /** @type {Promise<"ready" | "unsupported" | "failed"> | null} */
  #loading = null;
  #next = 0;
  #bytes = 1;

  /**
   * Load once; a second call waits for the first, and after a failure tries again.
   *
   * @param {Model} model @param {Runtime | null} runtime
   */
  load(model, runtime) {
    if (this.state === "failed" || !this.#loading) this.#loading = this.#load(model, runtime);
    return this.#loading;
  }

  /** What the page found out itself: the server could not be asked what to load. @param {string} reason */
  fail(reason) {
    this.#become("failed", reason);
  }

  /** Scores of one picture; the bitmap is handed over and gone afterwards. @param {ImageBitmap} bitmap */
  score(bitmap) {
    return this.#ask("score", { bitmap }, [bitmap]);
  }

  /** @param {Model} model @param {Runtime | null} runtime */
  async #load(model, runtime) {
    const reason = whyNot(model);
    if (!runtime || reason) return this.#become("unsupported", runtime ? reason : "runtime");
    this.#bytes = model.size_bytes + runtime.size_bytes;
    this.#become("loading");
    try {
      this.#start();
      const { threads } = await this.#ask("load", { model, runtimeVersion: runtime.version });
      this.threads = threads;
      return this.#become("ready");
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
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

  /** @param {Error} error */
  #stop(error) {
    this.#worker?.terminate();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  /**
   * @template {keyof WorkerActions} Action
   * @param {Action} action @param {WorkerActions[Action]["request"]} message @param {Transferable[]} transfer
   * @returns {Promise<WorkerActions[Action]["result"]>}
   */
  #ask(action, message, transfer = []) {
    const worker = this.#worker;
    if (!worker) return Promise.reject(new Error("The worker is not there."));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, action, ...message }, transfer);
    });
  }

  /** @param {WorkerReply} reply */
  #hear(reply) {
    if ("received" in reply) {
      this.progress = Math.min(1, reply.received / this.#bytes);
      this.dispatchEvent(new Event("change"));
      return;
    }
    const asked = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) asked?.reject(new Error(reply.error));
    else asked?.resolve(/** @type {never} */ (reply.result));
  }

  /**
   * @template {Recogniser["state"]} State
   * @param {State} state
   */
  #become(state, reason = "") {
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("change"));
    return state;
  }
}

/** @param {Model} model */
function whyNot(model) {
  if (!canPrepare(model.preprocessing)) return "preprocessing";
  if (typeof WebAssembly !== "object" || typeof Worker === "undefined") return "browser";
  if (typeof OffscreenCanvas === "undefined") return "browser";
  if (typeof DecompressionStream === "undefined") return "browser";
  return "";
}
