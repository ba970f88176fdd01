// From photographs of one fruit to an answer: on this device, or, if allowed, by the server.

import { identifyOnServer } from "./api.js";
import { combineScores, decide } from "./decide.js";
import { ask } from "./dialogs.js";
import { putLook } from "./history.js";
import { t } from "./i18n.js";
import { decodePicture, makeThumbnail, withoutMetadata } from "./pictures.js";
import { RUNTIME } from "./runtime.js";

/**
 * One fruit being looked at; a "change" event tells of each step.
 * States: looking, done, refused (not sent), error.
 */
export class Look extends EventTarget {
  id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  time = Date.now();
  photos = [];
  state = "looking";
  answer = null;
  where = null;
  message = "";
  contribution = null;
  skipWaiting = () => {};

  become(state, more = {}) {
    Object.assign(this, more, { state });
    this.dispatchEvent(new Event("change"));
  }

  /** As it is kept: small pictures and the answer, never the photographs themselves. */
  get record() {
    const { id, time, answer, where, contribution } = this;
    return { id, time, answer, where, contribution, thumbnails: this.photos.map((each) => each.thumbnail) };
  }
}

/** Add pictures to a look; those that do not decode are left out. Returns how many were taken. */
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

export async function identify(look, { knowledge, recogniser }) {
  look.become("looking");
  try {
    await knowledge.load();
    const state = await Promise.race([loadRecogniser(recogniser, knowledge), asked(look)]);
    if (state === "ready") await identifyHere(look, knowledge, recogniser);
    else await identifyThere(look, state);
  } catch (error) {
    const busy = error.retryAfterS && t("server_busy", error.retryAfterS);
    const offline = navigator.onLine ? "" : t("offline");
    look.become("error", { message: busy || offline || error.message });
  }
}

/** Load what recognition on this device needs. */
export function loadRecogniser(recogniser, { config, model }) {
  return recogniser.load(model, config.on_device ? RUNTIME : null);
}

// A slow network: nobody has to wait for megabytes if they would rather ask the server.
const asked = (look) => new Promise((resolve) => (look.skipWaiting = () => resolve("loading")));

async function identifyHere(look, { model }, recogniser) {
  for (const photo of look.photos) {
    photo.score ??= await recogniser.score(await decodePicture(photo.blob));
  }
  const score = combineScores(look.photos.map((each) => each.score));
  const answer = decide(score, { labels: model.labels, rule: model.decision });
  await finish(look, answer, "device");
}

async function identifyThere(look, why) {
  const reason = { unsupported: t("ask_unsupported"), failed: t("ask_failed") }[why];
  const allowed = await ask({
    title: t("ask_title"),
    body: [reason, t("ask_body", location.host)].filter(Boolean),
    yes: t("ask_yes"),
    no: t("ask_no"),
  });
  if (!allowed) return look.become("refused", { message: t("not_sent") });
  const clean = [];
  for (const { blob } of look.photos) clean.push(await withoutMetadata(await decodePicture(blob)));
  const { decision, label, fruit_id, probability, strangeness, varieties, fruits } =
    await identifyOnServer(clean);
  const answer = { decision, label, fruit_id, probability, strangeness, varieties, fruits };
  return finish(look, answer, "server");
}

async function finish(look, answer, where) {
  look.answer = answer;
  look.where = where;
  await putLook(look.record).catch(() => {});
  look.become("done");
}
