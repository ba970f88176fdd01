// What was looked at on this device; delete one or all.

import { ask } from "../dialogs.js";
import { h } from "../dom.js";
import { deleteLook, deleteLooks, isKept, listLooks } from "../history.js";
import { formatTime, t } from "../i18n.js";
import { button, heading, iconButton, linkButton, percent, photo } from "../parts.js";
import { describe } from "../wording.js";
import { takeBackForm } from "./contribute.js";

/** @param {App} app @param {Visit} visit */
export async function historyPage(app, { signal }) {
  await app.knowledge.loadNames();
  const looks = await listLooks();
  const kept = await isKept();
  const items = looks.map((look) => entry(look, app, signal));
  return {
    title: t("history_title"),
    element: h(
      ".page.history",
      heading(t("history_title")),
      h("p.lead", t(kept ? "history_lead" : "history_memory")),
      looks.length
        ? [h("ul.looks", items), h("p", button("danger", "trash", t("delete_all"), () => deleteAll(app)))]
        : h(".empty", h("p", t("history_empty")), linkButton("primary", "#/camera", "camera", t("take"))),
      takeBackForm(app),
    ),
  };
}

/** A look as a card that leads to it. @param {LookRecord} look @param {App} app @param {AbortSignal} signal */
export function lookCard(look, { knowledge }, signal) {
  const { title, second, tone } = describe(look.answer, knowledge);
  const sure = look.answer.decision === "unknown" ? "" : percent(look.answer.probability);
  return h(
    `a.look-card.${tone}`,
    { href: `#/look/${look.id}` },
    photo(look.thumbnails[0], "", signal),
    h("span.card-text", h("strong", title), second && h("span", second), h("small", [formatTime(look.time), sure].filter(Boolean).join(" · "))),
  );
}

/** @param {LookRecord} look @param {App} app @param {AbortSignal} signal */
function entry(look, app, signal) {
  const { title } = describe(look.answer, app.knowledge);
  return h(
    "li",
    lookCard(look, app, signal),
    iconButton("trash", t("delete_one", title), async () => {
      await deleteLook(look.id);
      app.looks.delete(look.id);
      app.say(t("deleted"));
      app.show();
    }),
  );
}

/** @param {App} app */
async function deleteAll(app) {
  const sure = await ask({
    title: t("delete_all_title"),
    body: t("delete_all_body"),
    yes: t("delete_yes"),
    no: t("cancel"),
    danger: true,
  });
  if (!sure) return;
  await deleteLooks();
  app.looks.clear();
  app.say(t("deleted"));
  app.show();
}
