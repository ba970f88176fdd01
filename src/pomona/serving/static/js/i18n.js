// The language of the page: the browser's first, then what was chosen; words, numbers and dates.

import en from "./strings/en.js";
import fr from "./strings/fr.js";

const TABLES = { en, fr };
const KEY = "pomona-language";
// The sources count a week as 7 days, a month as 30, a year as 365.
const SPANS = /** @type {const} */ ([["year", 365], ["month", 30], ["week", 7], ["day", 1]]);

/** @type {Lang} */
let current = remembered() ?? preferred(navigator.languages ?? [navigator.language]);

export const language = () => current;
/** @returns {Lang} */
export const otherLanguage = () => (current === "en" ? "fr" : "en");

/** @param {Lang} lang */
export function setLanguage(lang) {
  current = lang;
  try {
    localStorage.setItem(KEY, lang);
  } catch {
    // A private window: it holds until the page is closed.
  }
}

/**
 * The first of the browser's languages that the page speaks; English if none is.
 *
 * @param {readonly string[]} languages
 */
export function preferred(languages) {
  const short = languages.map((each) => each.slice(0, 2).toLowerCase());
  return short.find(isLang) ?? "en";
}

/**
 * The words of a key in the language in force.
 *
 * @template {WordKey} Key
 * @param {Key} key
 * @param {ValuesOf<Key>} values
 */
export function t(key, ...values) {
  const words = /** @type {Word} */ (TABLES[current][key]);
  return /** @type {Said<Key>} */ (typeof words === "function" ? words(.../** @type {Parameters<Saying>} */ (values)) : words);
}

export const formatNumber = (/** @type {number} */ value) =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: 2 }).format(value);

export const formatPercent = (/** @type {number} */ share) =>
  new Intl.NumberFormat(locale(), { style: "percent" }).format(share);

export const formatSize = (/** @type {number} */ bytes) =>
  `${formatNumber(Math.round(bytes / 1e6))} ${current === "fr" ? "Mo" : "MB"}`;

export const formatTime = (/** @type {number} */ time) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(time);

/** @param {number} month @param {"long" | "short" | "narrow"} width */
export const monthName = (month, width = "long") =>
  new Intl.DateTimeFormat(locale(), { month: width, timeZone: "UTC" }).format(
    Date.UTC(2024, month - 1, 15),
  );

// Of the reader's own country where it speaks the page's language: en-GB writes dates as en-US does not.
const locale = () => navigator.languages?.find((each) => each.startsWith(current)) ?? current;

/** @param {number} days */
export function formatDays(days) {
  const [span, length] = SPANS.find(([, each]) => days % each === 0) ?? SPANS[3];
  const n = days / length;
  return `${n} ${t(span)[n === 1 ? 0 : 1]}`;
}

export const formatList = (/** @type {string[]} */ items) =>
  new Intl.ListFormat(locale(), { type: "conjunction" }).format(items);

export const capitalise = (/** @type {string} */ text) => text.charAt(0).toLocaleUpperCase(current) + text.slice(1);

/** @param {string} text @returns {text is Lang} */
function isLang(text) {
  return text in TABLES;
}

function remembered() {
  try {
    const kept = localStorage.getItem(KEY);
    return kept !== null && isLang(kept) ? kept : null;
  } catch {
    return null;
  }
}
