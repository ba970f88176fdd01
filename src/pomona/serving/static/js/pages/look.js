// One answer: the photograph, the name, how sure, what else, and what to do next.

import { h } from "../dom.js";
import { deleteLook, getLook } from "../history.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { bar, button, engineStatus, fileButton, heading, linkButton, percent, photo } from "../parts.js";
import { seasonWheel } from "../wheel.js";
import { alternatives, confidenceWords, describe } from "../wording.js";
import { contributeForm } from "./contribute.js";

const TIPS = /** @type {const} */ ([["closer", "tip_closer"], ["plain", "tip_plain"], ["side", "tip_side"]]);

/** @param {App} app @param {Visit} visit */
export async function lookPage(app, { signal, id }) {
  const live = id ? app.looks.get(id) : undefined;
  const kept = id && !live ? await getLook(id) : undefined;
  if (!live && !kept) return { title: t("history"), element: h(".page", heading(t("history_gone")), linkButton("primary", "#/", null, t("home"))) };
  await app.knowledge.loadNames();
  const element = h(".page.look");
  const page = { title: t("looking"), element };
  const show = () => {
    const record = live?.state === "done" ? live.record : kept;
    if (record) element.replaceChildren(...answerParts(app, record, live, signal));
    else if (live) element.replaceChildren(...waitingParts(app, live, signal));
    page.title = record ? describe(record.answer, app.knowledge).title : t("looking");
  };
  live?.addEventListener("change", () => {
    show();
    app.retitle(page);
    if (live.state === "done" && live.answer) app.announce(announcement(live.answer, app.knowledge));
    if (live.state !== "looking") element.querySelector("h1")?.focus({ preventScroll: true });
  }, { signal });
  show();
  return page;
}

/** @param {Answer} answer @param {Knowledge} knowledge */
function announcement(answer, knowledge) {
  const { title, second } = describe(answer, knowledge);
  const words = answer.decision === "unknown" ? "" : t("confidence", confidenceWords(answer), percent(answer.probability));
  return [title, second, words].filter(Boolean).join(". ");
}

/** @param {App} app @param {Look} live @param {AbortSignal} signal */
function waitingParts(app, live, signal) {
  const { recogniser } = app;
  const problem = live.state === "error" || live.state === "refused";
  const text = problem
    ? [
        heading(live.state === "refused" ? t("not_sent") : t("failed")),
        live.state === "error" && h("p", { role: "alert" }, live.message),
        h(".actions",
          button("primary", null, t("retry"), () => app.identify(live)),
          linkButton("quiet", "#/", null, t("home"))),
      ]
    : [heading(t("looking")), waitingForEngine(app, live, signal)];
  const busy = !problem && recogniser.state === "ready";
  return [h(".look-photos", photos(live.photos.map((each) => each.thumbnail), "", signal, problem ? "" : "scanning")), h(".look-text", { "aria-busy": busy ? "true" : "false" }, text)];
}

/** @param {App} app @param {Look} live @param {AbortSignal} signal */
function waitingForEngine(app, live, signal) {
  const place = h(".waiting");
  const fill = () => {
    const waiting = ["idle", "loading"].includes(app.recogniser.state);
    if (waiting && !place.childElementCount) {
      place.append(
        h("p", t("looking_wait")),
        engineStatus(app, signal),
        button("quiet", "server", t("ask_instead"), () => live.skipWaiting()),
      );
    } else if (!waiting) place.replaceChildren();
  };
  app.recogniser.addEventListener("change", fill, { signal });
  fill();
  return place;
}

/** @param {App} app @param {LookRecord} look @param {Look | undefined} live @param {AbortSignal} signal */
function answerParts(app, look, live, signal) {
  const { knowledge } = app;
  const { answer, thumbnails } = look;
  const words = describe(answer, knowledge);
  const unknown = answer.decision === "unknown";
  return [
    h(".look-photos", photos(thumbnails, words.title, signal), whereLine(look)),
    h(
      `.look-text.${words.tone}`,
      heading(words.title),
      words.second && h("p.second", words.second),
      unknown ? h("p", t("unknown_lead")) : confidence(answer, words.tone),
      unknown && tips(),
      unknown || actions(app, look),
      unknown && moreActions(app, look, live, true),
      others(answer, knowledge, unknown),
      unknown || teaser(answer, knowledge),
      unknown || moreActions(app, look, live, false),
      live && contributeForm(app, live),
      h("p.look-end", button("text", "trash", t("delete_one", words.title), async () => {
        await deleteLook(look.id);
        app.looks.delete(look.id);
        app.say(t("deleted"));
        location.hash = "#/history";
      })),
    ),
  ];
}

/** @param {Blob[]} blobs @param {string} name @param {AbortSignal} signal */
function photos(blobs, name, signal, what = "") {
  const many = blobs.length > 1;
  const alt = (/** @type {number} */ i) => (many ? t("photo_number", i + 1, blobs.length) : t("photo_of", name || t("looking")));
  return h(
    ["ul", "photos", many && "many", what].filter(Boolean).join("."),
    blobs.map((blob, i) => h("li", photo(blob, alt(i), signal))),
  );
}

/** @param {LookRecord} look */
function whereLine({ where }) {
  return h("p.where", icon(where === "server" ? "server" : "device"), h("span", t(`where_${where}`)));
}

/** @param {Answer} answer @param {string} tone */
function confidence(answer, tone) {
  return h(
    ".confidence",
    h("p", h("strong", confidenceWords(answer)), h("span.percent", percent(answer.probability))),
    bar(answer.probability, tone),
  );
}

/** @param {App} app @param {LookRecord} look */
function actions({ knowledge }, { answer }) {
  const name = knowledge.fruitName(answer.fruit_id);
  return name && h(".actions", linkButton("primary", `#/fruit/${answer.fruit_id}`, "next", t("about", name)));
}

/** @param {App} app @param {LookRecord} look @param {Look | undefined} live @param {boolean} first */
function moreActions(app, look, live, first) {
  const left = live ? app.knowledge.maxPhotos - live.photos.length : 0;
  return h(
    ".actions",
    left > 0 && linkButton(first ? "primary" : "quiet", `#/camera/${look.id}`, "plus", t("add_side")),
    left > 0 && fileButton("quiet", "pictures", t("choose"), { onfiles: (files) => app.look(files, look.id) }),
    linkButton("quiet", "#/camera", "camera", t("again")),
    live && h("p.count", t("add_count", live.photos.length, app.knowledge.maxPhotos)),
  );
}

function tips() {
  return h(
    "ul.tips",
    TIPS.map(([picture, key]) => h("li", icon(picture), h("strong", t(key)), h("span", t(`${key}_more`)))),
  );
}

/** @param {Answer} answer @param {Knowledge} knowledge @param {boolean} unknown */
function others(answer, knowledge, unknown) {
  const list = alternatives(answer, knowledge);
  if (!list.length) return null;
  // Of something it does not know, a percentage would promise what it cannot keep.
  const share = (/** @type {number} */ probability) => (unknown ? [] : [h("span.percent", percent(probability)), bar(probability, "calm")]);
  const line = (/** @type {typeof list[number]} */ { name, fruit_id, probability }) => {
    const inside = [h("span.other-name", name), share(probability)];
    return h("li", knowledge.sheet(fruit_id) ? h("a.other", { href: `#/fruit/${fruit_id}` }, inside) : h("span.other", inside));
  };
  return h("section.others", h("h2", t(unknown ? "closest" : "also")), h("ul", list.map(line)));
}

/** @param {Answer} answer @param {Knowledge} knowledge */
function teaser({ fruit_id }, knowledge) {
  const months = knowledge.sheet(fruit_id)?.season_fr_months;
  if (!months) return null;
  const now = months.includes(new Date().getMonth() + 1);
  return h(
    "a.teaser",
    { href: `#/fruit/${fruit_id}` },
    seasonWheel(months),
    h("span", h("strong", t("season")), h("span", t(now ? "season_yes" : "season_no"))),
  );
}
