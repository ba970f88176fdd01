// Every fruit with a sheet, to read without a photograph.

import { h } from "../dom.js";
import { capitalise, t } from "../i18n.js";
import { heading } from "../parts.js";

/** @param {App} app */
export async function fruitsPage(app) {
  await app.knowledge.loadNames();
  const { facts, sheets } = app.knowledge;
  if (!facts) return { title: t("fruits_title"), element: h(".page", heading(t("fruits_title")), h("p", t("facts_unavailable"))) };
  const list = h("ul.fruit-list");
  /** @type {HTMLInputElement} */
  const search = h("input", { type: "search", autocomplete: "off", oninput: () => fill(search.value) });
  const fill = (/** @type {string} */ wanted) => {
    const found = sheets.filter((sheet) => matches(sheet, wanted));
    list.replaceChildren(...(found.length ? found.map(item) : [h("li", t("none_found"))]));
  };
  fill("");
  return {
    title: t("fruits_title"),
    element: h(
      ".page.fruits",
      heading(t("fruits_title")),
      h("p.lead", t("fruits_lead", sheets.length)),
      h("label.search", h("span", t("search")), search),
      list,
    ),
  };
}

/** @param {Sheet} sheet */
function item({ fruit_id, name, scientific_name }) {
  return h("li", h("a", { href: `#/fruit/${fruit_id}` }, h("strong", capitalise(name)), h("em", { lang: "la" }, scientific_name)));
}

/**
 * Names of both languages, and without accents: "peche" finds the pêche.
 *
 * @param {Sheet} sheet @param {string} wanted
 */
function matches({ name_en, name_fr, scientific_name }, wanted) {
  return fold(`${name_en} ${name_fr} ${scientific_name}`).includes(fold(wanted));
}

/** @param {string} text */
function fold(text) {
  return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace("œ", "oe");
}
