// Pieces that several pages show.

import { h } from "./dom.js";
import { formatNumber, formatPercent, formatSize, t } from "./i18n.js";
import { icon } from "./icons.js";
import { RUNTIME } from "./runtime.js";

/** A page's heading; it takes the focus when the page opens. */
export const heading = (/** @type {string} */ text, what = "h1") => h(what, { tabindex: "-1" }, text);

/** @param {string} what @param {string} href @param {IconName | null} iconName @param {string} text */
export function linkButton(what, href, iconName, text) {
  return h(`a.button.${what}`, { href }, iconName && icon(iconName), h("span", text));
}

/** @param {string} what @param {IconName | null} iconName @param {string} text @param {() => unknown} onclick */
export function button(what, iconName, text, onclick) {
  return h(`button.button.${what}`, { type: "button", onclick }, iconName && icon(iconName), h("span", text));
}

/** @param {IconName} iconName @param {string} text @param {() => unknown} onclick */
export function iconButton(iconName, text, onclick) {
  return h("button.icon-button", { type: "button", "aria-label": text, title: text, onclick }, icon(iconName));
}

/**
 * A button that opens the file chooser, or the phone's own camera.
 *
 * @param {string} what @param {IconName | null} iconName @param {string} text
 * @param {{capture?: boolean, onfiles: (files: File[]) => unknown}} options
 * @returns {[HTMLButtonElement, HTMLInputElement]}
 */
export function fileButton(what, iconName, text, { capture = false, onfiles }) {
  const input = h("input", {
    type: "file",
    accept: "image/*",
    multiple: !capture,
    capture: capture && "environment",
    hidden: true,
    "aria-hidden": "true",
    tabindex: "-1",
    onchange: () => {
      const files = [...(input.files ?? [])];
      input.value = "";
      if (files.length) onfiles(files);
    },
  });
  return [button(what, iconName, text, () => input.click()), input];
}

/**
 * A bar of a share between 0 and 1; the words beside it say the same.
 *
 * @param {number} share @param {string} tone
 */
export function bar(share, tone) {
  const fill = h(`span.bar-fill.${tone}`);
  fill.style.setProperty("--share", String(share));
  return h("span.bar", { "aria-hidden": "true" }, fill);
}

/**
 * A picture from a blob; its memory is given back with the page.
 *
 * @param {Blob} blob @param {string} alt @param {AbortSignal} signal
 */
export function photo(blob, alt, signal) {
  const url = URL.createObjectURL(blob);
  signal.addEventListener("abort", () => URL.revokeObjectURL(url));
  return h("img", { src: url, alt, decoding: "async" });
}

/** What the recogniser is doing, kept up to date. @param {App} app @param {AbortSignal} signal */
export function engineStatus(app, signal) {
  const place = h(".engine");
  const show = () => place.replaceChildren(...engineLines(app));
  app.recogniser.addEventListener("change", show, { signal });
  show();
  return place;
}

/** @param {App} app */
function engineLines({ recogniser, knowledge, startEngine }) {
  const { state, progress, saving } = recogniser;
  const bytes = RUNTIME.size_bytes + (knowledge.model?.size_bytes ?? 0);
  if (state === "loading") {
    const percent = Math.round(progress * 100);
    return [
      h("p.engine-line", icon("device"), h("span", t("engine_loading", formatNumber(percent)))),
      bar(progress, "calm"),
    ];
  }
  if (state === "idle" && saving) {
    return [
      h("p.engine-line", icon("device"), h("span", t("engine_saving", formatSize(bytes)))),
      button("quiet", null, t("engine_load"), startEngine),
    ];
  }
  const line = h("p.engine-line", icon(state === "ready" ? "check" : "device"), h("span", t(`engine_${state}`)));
  return state === "failed" ? [line, button("quiet", null, t("retry"), startEngine)] : [line];
}

export const percent = (/** @type {number} */ share) => formatPercent(Math.min(share, 0.99));
