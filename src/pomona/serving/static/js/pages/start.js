// The first page: one big button, what is in season, what was looked at.

import { canUseCamera } from "../camera.js";
import { h } from "../dom.js";
import { listLooks } from "../history.js";
import { capitalise, monthName, t } from "../i18n.js";
import { icon } from "../icons.js";
import { engineStatus, fileButton, heading } from "../parts.js";
import { lookCard } from "./history.js";

const N_RECENT = 3;
const N_SEASON = 8;

/** @type {PageMaker} */
export function startPage(app, { signal }) {
  const season = h("section.season-now", { "aria-labelledby": "season-title" });
  const recent = h("section.recent");
  fillSeason(season, app, signal);
  fillRecent(recent, app, signal);
  return {
    title: t("title"),
    element: h(
      ".page.start",
      h(
        ".hero",
        heading(t("title")),
        h("p.lead", t("lead")),
        takeButton(app),
        h(".choose", fileButton("quiet", "pictures", t("choose"), { onfiles: app.look }), h("p.drop-hint", t("drop"))),
        engineStatus(app, signal),
      ),
      season,
      recent,
    ),
  };
}

/** @param {App} app */
function takeButton({ look }) {
  const face = [
    h("span.fruit-button", { "aria-hidden": "true" }, h("img", { src: "/static/icons/pomona.svg", alt: "", width: 192, height: 192 }), icon("camera")),
    h("span.take-label", t("take")),
  ];
  if (canUseCamera()) return h("a.take", { href: "#/camera" }, face);
  const [button, input] = fileButton("take", null, "", { capture: true, onfiles: look });
  button.className = "take";
  button.replaceChildren(...face);
  return [button, input];
}

/** @param {HTMLElement} section @param {App} app @param {AbortSignal} signal */
async function fillSeason(section, { knowledge }, signal) {
  const month = new Date().getMonth() + 1;
  const waiting = h("ul.chips", { "aria-busy": "true" });
  section.append(h("h2", { id: "season-title" }, t("season_now", monthName(month))), waiting);
  try {
    await knowledge.loadFacts();
  } catch {
    section.hidden = true;
    return;
  }
  if (signal.aborted) return;
  const fruits = knowledge.inSeason(month).filter(({ kind }) => kind !== "vegetable");
  const chips = spread(fruits, N_SEASON).map(({ fruit_id, name }) =>
    h("li", h("a.chip", { href: `#/fruit/${fruit_id}` }, capitalise(name))),
  );
  const list = h("ul.chips", chips, h("li", h("a.chip.more", { href: "#/fruits" }, t("see_all"))));
  waiting.replaceWith(list);
}

/**
 * Not the first of the alphabet every time: a few from all of it.
 *
 * @template T
 * @param {T[]} items @param {number} n
 */
function spread(items, n) {
  if (items.length <= n) return items;
  return Array.from({ length: n }, (_, i) => items[Math.floor((i * items.length) / n)]);
}

/** @param {HTMLElement} section @param {App} app @param {AbortSignal} signal */
async function fillRecent(section, app, signal) {
  const looks = (await listLooks()).slice(0, N_RECENT);
  await app.knowledge.loadNames();
  if (!looks.length || signal.aborted) return;
  section.append(
    h(".section-head", h("h2", t("recent")), h("a", { href: "#/history" }, t("see_all"))),
    h("ul.looks", looks.map((look) => h("li", lookCard(look, app, signal)))),
  );
}
