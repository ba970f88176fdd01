// The finder: live picture, a ring to aim with, one big shutter.

import { Camera, canUseCamera } from "../camera.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { fileButton, heading, iconButton } from "../parts.js";

/** @type {PageMaker} */
export function cameraPage(app, { signal, id }) {
  const video = h("video", { playsinline: true, muted: true, autoplay: true, "aria-hidden": "true", tabindex: "-1" });
  video.muted = true;
  const camera = new Camera(video);
  const status = h("p.finder-status", { role: "status" }, t("camera_starting"));
  const shutter = h("button.shutter", { type: "button", "aria-label": t("shutter"), disabled: true });
  const tools = h(".finder-tools");
  const finder = h(".finder", video, h(".ring", { "aria-hidden": "true" }), status);
  const look = (/** @type {Blob[]} */ files) => app.look(files, id);
  shutter.addEventListener("click", async () => {
    shutter.disabled = true;
    finder.classList.add("taken");
    look([await camera.take()]);
  });
  signal.addEventListener("abort", () => camera.stop());
  // Nobody looks: no camera either.
  const pause = () => (document.hidden ? camera.stop() : camera.open().catch(() => {}));
  document.addEventListener("visibilitychange", pause, { signal });
  open(camera, { finder, status, shutter, tools, look, signal });
  return {
    title: t("camera"),
    element: h(
      ".page.camera",
      heading(t("camera"), "h1.unseen"),
      finder,
      h("p.aim", t("aim")),
      h(".finder-bar", fileButton("round", "pictures", t("choose"), { onfiles: look }), shutter, tools),
      h("a.finder-close", { href: id ? `#/look/${id}` : "#/", "aria-label": t("close"), title: t("close") }, icon("close")),
    ),
    immersive: true,
  };
}

/**
 * @param {Camera} camera
 * @param {{finder: HTMLElement, status: HTMLElement, shutter: HTMLButtonElement, tools: HTMLElement,
 *   look: (files: Blob[]) => unknown, signal: AbortSignal}} parts
 */
async function open(camera, { finder, status, shutter, tools, look, signal }) {
  try {
    if (!canUseCamera()) throw new DOMException("", "NotFoundError");
    await camera.open();
    if (signal.aborted) return camera.stop();
    status.textContent = "";
    finder.classList.add("live");
    shutter.disabled = false;
    if (await camera.hasSeveral()) tools.append(iconButton("flip", t("flip"), () => camera.turn()));
  } catch (error) {
    if (signal.aborted) return;
    status.textContent = t(isDenied(error) ? "camera_denied" : "camera_missing");
    finder.append(h(".finder-fallback", fileButton("primary", "camera", t("own_camera"), { capture: true, onfiles: look })));
  }
}

/** @param {unknown} error */
function isDenied(error) {
  return error instanceof DOMException && error.name === "NotAllowedError";
}
