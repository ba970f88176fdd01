// From photographs of one fruit to an answer: on this device, or, if allowed, by the server.

import { identifyOnServer, messageOf, ServerError } from "./api.js";
import { combineScores, decide } from "./decide.js";
import { ask } from "./dialogs.js";
import { putLook } from "./history.js";
import { t } from "./i18n.js";
import { modelOf } from "./knowledge.js";
import { decodePicture, makeThumbnail, withoutMetadata } from "./pictures.js";
import { RUNTIME } from "./runtime.js";

/**
 * One fruit being looked at; a "change" event tells of each step.
 * States: looking, done, refused (not sent), error.
 */
export class Look extends EventTarget {
  id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  time = Date.now();
  /** @type {Photo[]} */
  photos = [];
  /** @type {"looking" | "done" | "refused" | "error"} */
  state = "looking";
  /** @type {Answer | null} */
  answer = null;
  /** @type {Where | null} */
  where = null;
  message = "";
  /** @type {Contribution | null} */
  contribution = null;
  skipWaiting = () => {};

  /** @param {Look["state"]} state @param {{message?: string}} more */
  become(state, more = {}) {
    Object.assign(this, more, { state });
    this.dispatchEvent(new Event("change"));
  }

  /** As it is kept: small pictures and the answer, never the photographs themselves. */
  get record() {
    const { id, time, answer, where, contribution } = this;
    if (!answer || !where) throw new Error("Nothing to keep yet.");
    return { id, time, answer, where, contribution, thumbnails: this.photos.map((each) => each.thumbnail) };
  }
}

/**
 * Add pictures to a look; those that do not decode are left out. Returns how many were taken.
 *
 * @param {Look} look @param {Blob[]} blobs
 */
export async function addPhotos(look, blobs) {
  let taken = 0;
  for (const blob of blobs) {
    try {
      const bitmap = await decodePicture(blob);
      look.photos.push({ blob, thumbnail: await makeThumbnail(bitmap), score: null });
      bitmap.close();
      taken++;
    } catch {
      continue;
    }
  }
  return taken;
}

/** @param {Look} look @param {Pick<App, "knowledge" | "recogniser">} app */
export async function identify(look, { knowledge, recogniser }) {
  look.become("looking");
  try {
    await knowledge.load();
    const state = await Promise.race([loadRecogniser(recogniser, knowledge), asked(look)]);
    if (state === "ready") await identifyHere(look, modelOf(knowledge), recogniser);
    else await identifyThere(look, state);
  } catch (error) {
    const wait = error instanceof ServerError && error.retryAfterS;
    const busy = wait && t("server_busy", wait);
    const offline = navigator.onLine ? "" : t("offline");
    look.become("error", { message: busy || offline || messageOf(error) });
  }
}

/** Load what recognition on this device needs. @param {Recogniser} recogniser @param {Knowledge} knowledge */
export function loadRecogniser(recogniser, knowledge) {
  return recogniser.load(modelOf(knowledge), knowledge.config?.on_device ? RUNTIME : null);
}

/**
 * A slow network: nobody has to wait for megabytes if they would rather ask the server.
 *
 * @param {Look} look @returns {Promise<"loading">}
 */
const asked = (look) => new Promise((resolve) => (look.skipWaiting = () => resolve("loading")));

/** @param {Look} look @param {Model} model @param {Recogniser} recogniser */
async function identifyHere(look, model, recogniser) {
  const scores = [];
  for (const photo of look.photos) {
    scores.push((photo.score ??= await recogniser.score(await decodePicture(photo.blob))));
  }
  const score = combineScores(scores);
  const answer = decide(score, { labels: model.labels, rule: model.decision });
  await finish(look, answer, "device");
}

/** @param {Look} look @param {"unsupported" | "failed" | "loading"} why */
async function identifyThere(look, why) {
  const reason = { unsupported: t("ask_unsupported"), failed: t("ask_failed"), loading: "" }[why];
  const allowed = await ask({
    title: t("ask_title"),
    body: [reason, t("ask_body", location.host)].filter((text) => text !== ""),
    yes: t("ask_yes"),
    no: t("ask_no"),
  });
  if (!allowed) return look.become("refused", { message: t("not_sent") });
  const clean = [];
  for (const { blob } of look.photos) clean.push(await withoutMetadata(await decodePicture(blob)));
  const { decision, label, fruit_id, probability, strangeness, varieties, fruits } =
    await identifyOnServer(clean);
  const answer = { decision, label, fruit_id, probability, strangeness, varieties, fruits };
  return finish(look, /** @type {Answer} */ (answer), "server");
}

/** @param {Look} look @param {Answer} answer @param {Where} where */
async function finish(look, answer, where) {
  look.answer = answer;
  look.where = where;
  await putLook(look.record).catch(() => {});
  look.become("done");
}
