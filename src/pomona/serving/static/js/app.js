// The page: its parts made known to each other, addresses to pages, the language switch.

import { say } from "./dialogs.js";
import { byId } from "./dom.js";
import { addPhotos, identify, loadRecogniser, Look } from "./identify.js";
import { language, otherLanguage, setLanguage, t } from "./i18n.js";
import { Knowledge } from "./knowledge.js";
import { cameraPage } from "./pages/camera.js";
import { fruitPage } from "./pages/fruit.js";
import { fruitsPage } from "./pages/fruits.js";
import { historyPage } from "./pages/history.js";
import { lookPage } from "./pages/look.js";
import { startPage } from "./pages/start.js";
import { Recogniser } from "./recogniser.js";
import { watchUpdates } from "./updates.js";

/** @type {Record<string, PageMaker | undefined>} */
const PAGES = {
  "": startPage,
  camera: cameraPage,
  look: lookPage,
  fruit: fruitPage,
  fruits: fruitsPage,
  history: historyPage,
};

const knowledge = new Knowledge();
const recogniser = new Recogniser();
const main = byId("main");

let leaving = new AbortController();
/** @type {string | null} */
let shown = null;

/** @type {App} */
const app = {
  knowledge,
  recogniser,
  looks: new Map(),
  say,
  show,
  retitle,
  announce: (text) => (byId("announcements").textContent = text),
  identify: (look) => identify(look, app),
  look: lookAt,
  startEngine,
};

/**
 * Look at pictures of one fruit; with the id of a look of this session, add them to it.
 *
 * @param {Blob[]} files @param {string} [id]
 */
async function lookAt(files, id = "") {
  const before = app.looks.get(id);
  const look = before ?? new Look();
  const room = knowledge.maxPhotos - look.photos.length;
  if (files.length > room) say(t("too_many", knowledge.maxPhotos));
  const taken = await addPhotos(look, files.slice(0, room));
  if (taken < Math.min(files.length, room)) say(t("not_decoded"));
  if (!look.photos.length) return go("#/");
  app.looks.set(look.id, look);
  look.become("looking");
  go(`#/look/${look.id}`);
  return identify(look, app);
}

/** @param {string} hash */
function go(hash) {
  if (location.hash === hash) show();
  else location.hash = hash;
}

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [name, id] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const page = await (PAGES[name] ?? startPage)(app, { signal, id });
  if (signal.aborted) return;
  const isFirst = shown === null;
  const moved = shown !== location.hash;
  shown = location.hash;
  main.replaceChildren(page.element);
  document.body.classList.remove("starting");
  document.body.classList.toggle("immersive", Boolean(page.immersive));
  retitle(page);
  markCurrent(name);
  if (isFirst || !moved) return;
  scrollTo(0, 0);
  main.querySelector("h1")?.focus({ preventScroll: true });
}

/** @param {Page} page */
function retitle({ title }) {
  document.title = `${title} · Pomona`;
}

/** @param {string} name */
function markCurrent(name) {
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.getAttribute("href") === `#/${name}`;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function speak() {
  document.documentElement.lang = language();
  document.body.dataset.drop = t("drop_now");
  for (const element of document.querySelectorAll("[data-t]")) {
    element.textContent = wordOf(element, "data-t");
  }
  for (const element of document.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", wordOf(element, "data-t-label"));
  }
  byId("language").lang = otherLanguage();
  byId("privacy").setAttribute("href", `/privacy?lang=${language()}`);
}

/** @param {Element} element @param {string} attribute */
function wordOf(element, attribute) {
  return t(/** @type {PlainKey} */ (element.getAttribute(attribute)));
}

function switchLanguage() {
  setLanguage(otherLanguage());
  speak();
  show();
}

/** Megabytes, so it comes after the page and its facts, and only once. */
async function startEngine() {
  try {
    await knowledge.load();
  } catch {
    return recogniser.fail("network");
  }
  // Asked once all works: a browser that is short of room then keeps it.
  if ((await loadRecogniser(recogniser, knowledge)) === "ready") navigator.storage?.persist?.();
}

async function start() {
  speak();
  byId("language").addEventListener("click", switchLanguage);
  // As an address the link would be a page; as a click it is a place on this one.
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  addEventListener("hashchange", show);
  addEventListener("online", () => recogniser.state === "failed" && startEngine());
  watchDrops();
  await show();
  watchUpdates();
  await knowledge.loadNames();
  recogniser.saving = Boolean(navigator.connection?.saveData);
  if (recogniser.saving) recogniser.dispatchEvent(new Event("change"));
  else startEngine();
  knowledge.keepOtherLanguage();
}

function watchDrops() {
  const hasFiles = (/** @type {DragEvent} */ { dataTransfer }) => dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    const files = [...(event.dataTransfer?.files ?? [])].filter(({ type }) => type.startsWith("image/"));
    if (files.length) lookAt(files);
  });
}

start();
