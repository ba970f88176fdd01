// Questions and short messages.

import { byId, h } from "./dom.js";
import { t } from "./i18n.js";

const MESSAGE_MS = 6000;

/**
 * Ask before doing; resolves to whether it was allowed. Escape and the backdrop mean no.
 *
 * @param {{title: string, body: string | string[], yes: string, no: string, danger?: boolean}} words
 * @returns {Promise<boolean>}
 */
export function ask({ title, body, yes, no, danger = false }) {
  return new Promise((resolve) => {
    /** @type {HTMLDialogElement} */
    const dialog = h(
      "dialog.ask",
      { "aria-labelledby": "ask-title" },
      h("h2", { id: "ask-title" }, title),
      [body].flat().map((text) => h("p", text)),
      h(
        ".actions",
        h("button.button.quiet", { type: "button", onclick: () => dialog.close("no") }, no),
        h(
          danger ? "button.button.danger" : "button.button.primary",
          { type: "button", onclick: () => dialog.close("yes") },
          yes,
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Say something for a while; screen readers hear it too. @param {string} text */
export function say(text) {
  const place = byId("messages");
  const line = h("p.message", text);
  place.replaceChildren(line);
  setTimeout(() => line.remove(), MESSAGE_MS);
}

/** Offer a new version; it is never taken without being asked for. @param {() => void} take */
export function offerUpdate(take) {
  const bar = byId("update");
  bar.replaceChildren(
    h("p", t("update")),
    h("button.button.primary", { type: "button", onclick: take }, t("update_do")),
    h("button.button.quiet", { type: "button", onclick: () => (bar.hidden = true) }, t("later")),
  );
  bar.hidden = false;
}
