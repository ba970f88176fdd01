// The language of the page: the browser's first, then what was chosen; words, numbers and dates.

import en from "./strings/en.js";
import fr from "./strings/fr.js";

/** @type {Record<Lang, Record<string, Words>>} */
const TABLES = { en, fr };
const KEY = "pomona-language";
// The sources count a week as 7 days, a month as 30, a year as 365.
/** @type {[string, number][]} */
const SPANS = [["year", 365], ["month", 30], ["week", 7], ["day", 1]];

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
  const short = languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return short.find(isSpoken) ?? "en";
}

/** @param {string | null} lang @returns {lang is Lang} */
function isSpoken(lang) {
  return lang !== null && lang in TABLES;
}

/**
 * The words of a key in the language in force.
 *
 * @param {string} key
 * @param {...(string | number)} values
 * @returns {string}
 */
export function t(key, ...values) {
  const words = TABLES[current][key];
  if (typeof words === "function") return words(...values);
  return /** @type {string} */ (words);
}

/** @param {number} value */
export const formatNumber = (value) =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: 2 }).format(value);

/** @param {number} share */
export const formatPercent = (share) =>
  new Intl.NumberFormat(locale(), { style: "percent" }).format(share);

/** @param {number} bytes */
export const formatSize = (bytes) =>
  `${formatNumber(Math.round(bytes / 1e6))} ${current === "fr" ? "Mo" : "MB"}`;

/** @param {number} time */
export const formatTime = (time) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(time);

/** @param {number} month @param {"long" | "short" | "narrow"} width */
export const monthName = (month, width = "long") =>
  new Intl.DateTimeFormat(locale(), { month: width, timeZone: "UTC" }).format(
    Date.UTC(2024, month - 1, 15),
  );

// Of the reader's own country where it speaks the page's language: en-GB writes dates as en-US does not.
const locale = () => navigator.languages?.find((tag) => tag.startsWith(current)) ?? current;

/** @param {number} days */
export function formatDays(days) {
  const [span, length] = SPANS.find(([, length]) => days % length === 0) ?? ["day", 1];
  const n = days / length;
  const [one, many] = /** @type {string[]} */ (TABLES[current][span]);
  return `${n} ${n === 1 ? one : many}`;
}

/** @param {string[]} items */
export const formatList = (items) =>
  new Intl.ListFormat(locale(), { type: "conjunction" }).format(items);

/** @param {string} text */
export const capitalise = (text) => text.charAt(0).toLocaleUpperCase(current) + text.slice(1);

function remembered() {
  try {
    const kept = localStorage.getItem(KEY);
    return isSpoken(kept) ? kept : null;
  } catch {
    return null;
  }
}
