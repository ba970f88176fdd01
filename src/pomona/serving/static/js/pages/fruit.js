// The fact sheet of a fruit; what is not known has no place on it.

import { h } from "../dom.js";
import { capitalise, formatDays, formatNumber, t } from "../i18n.js";
import { icon } from "../icons.js";
import { bar, heading } from "../parts.js";
import { seasonText, seasonWheel } from "../wheel.js";

/** @type {[Nutrient, string][]} */
const NUTRIENTS = [
  ["energy_kcal", "kcal"],
  ["water_g", "g"],
  ["carbohydrate_g", "g"],
  ["sugars_g", "g"],
  ["fiber_g", "g"],
  ["protein_g", "g"],
  ["fat_g", "g"],
  ["vitamin_c_mg", "mg"],
  ["potassium_mg", "mg"],
];
/** @type {Nutrient[]} */
const PARTS_OF_ANOTHER = ["sugars_g", "fiber_g"];
/** @type {Place[]} */
const PLACES = ["pantry_days_max", "fridge_days_max", "freezer_days_max"];

/** @param {App} app @param {Visit} visit */
export async function fruitPage(app, { id }) {
  await app.knowledge.loadNames();
  const sheet = app.knowledge.sheet(id);
  if (!sheet) {
    const text = t(app.knowledge.facts ? "no_facts" : "facts_unavailable");
    return { title: t("fruits"), element: h(".page", heading(text)) };
  }
  return { title: capitalise(sheet.name), element: fruitSheet(sheet) };
}

/** @param {Sheet} sheet */
function fruitSheet(sheet) {
  return h(
    "article.page.sheet",
    head(sheet),
    // The note says how to read the rest, so it comes before it.
    h(".cards", note(sheet), season(sheet), nutrition(sheet), storage(sheet), climate(sheet), names(sheet), claims(sheet)),
  );
}

/** @param {Sheet} sheet */
function head(sheet) {
  const raw = sheet.edible_raw === undefined ? [] : [t(sheet.edible_raw ? "raw" : "cooked")];
  const chips = [t(sheet.kind), ...raw];
  return h(
    "header.sheet-head",
    heading(capitalise(sheet.name)),
    h("p.botanical", h("em", { lang: "la" }, sheet.scientific_name), `, ${sheet.family}`),
    h("ul.tags", chips.map((text) => h("li", text))),
  );
}

/**
 * @param {string} what @param {string} title @param {Sheet} sheet
 * @param {string} part whose source is named @param {Child[]} body
 */
function card(what, title, sheet, part, ...body) {
  return h(
    `section.card.${what}`,
    h("h2", title),
    body,
    sheet.sources?.[part] && h("p.source", `${t("source")}${t("language") === "English" ? ":" : " :"} ${cite(sheet, part)}`),
  );
}

/** @param {Sheet} sheet @param {string} part */
function cite({ sources, nutrition }, part) {
  return part === "nutrition" ? `${sources[part]}, ${nutrition?.usda_ndb_no}` : sources[part];
}

/** @param {Sheet} sheet */
function season(sheet) {
  const months = sheet.season_fr_months;
  if (!months) return null;
  const now = months.includes(new Date().getMonth() + 1);
  return card(
    "season",
    t("season"),
    sheet,
    "season_fr_months",
    seasonWheel(months),
    h(now ? "p.now.in" : "p.now", t(now ? "season_yes" : "season_no")),
    h("p.months", capitalise(seasonText(months))),
  );
}

/** @param {Sheet} sheet */
function nutrition(sheet) {
  const { nutrition: values } = sheet;
  if (!values) return null;
  const rows = NUTRIENTS.map(([name, unit]) => {
    const value = values[name];
    if (value === undefined) return null;
    return h(
      PARTS_OF_ANOTHER.includes(name) ? "tr.part" : "tr",
      h("th", { scope: "row" }, t(name)),
      h("td", `${formatNumber(value)} ${unit}`, unit === "g" && bar(Math.min(1, value / 100), "calm")),
    );
  });
  return card(
    "nutrition",
    t("nutrition"),
    sheet,
    "nutrition",
    h(
      "table",
      h("caption", t("per_100g")),
      h("thead.unseen", h("tr", h("th", { scope: "col" }, t("nutrient")), h("th", { scope: "col" }, t("amount")))),
      h("tbody", rows),
    ),
    h("p.described", { lang: "en" }, values.usda_description),
  );
}

/** @param {Sheet} sheet */
function storage(sheet) {
  const known = PLACES.flatMap((place) => {
    const days = sheet.storage?.[place];
    return days === undefined ? [] : [h("div", h("dt", t(place)), h("dd", formatDays(days)))];
  });
  if (!known.length) return null;
  return card("storage", t("storage"), sheet, "storage", h("dl.places", known));
}

/** @param {Sheet} sheet */
function climate(sheet) {
  const { co2e_kg_per_kg: value } = sheet;
  if (value === undefined) return null;
  return card("climate", t("climate"), sheet, "co2e_kg_per_kg", h("p", h("strong.big", formatNumber(value)), " ", t("co2e")));
}

/** @param {Sheet} sheet */
function names(sheet) {
  /** @type {[PlainKey, string, string][]} */
  const rows = [
    ["english", sheet.name_en, "en"],
    ["french", sheet.name_fr, "fr"],
    ["botanical", sheet.scientific_name, "la"],
    ["family", sheet.family, "la"],
  ];
  return card(
    "names",
    t("names"),
    sheet,
    "scientific_name",
    h("dl.names-list", rows.map(([key, value, lang]) => h("div", h("dt", t(key)), h("dd", { lang }, value)))),
  );
}

/** @param {Sheet} sheet */
function note(sheet) {
  return sheet.note && card("note", t("note"), sheet, "note", h("p", sheet.note));
}

/** @param {Sheet} sheet */
function claims(sheet) {
  if (!sheet.claims?.length) return null;
  return card(
    "claims",
    t("claims"),
    sheet,
    "",
    h("p.claims-warning", icon("say"), h("span", t("claims_warning"))),
    h("ul", sheet.claims.map(({ text }) => h("li", h("q", text)))),
  );
}
