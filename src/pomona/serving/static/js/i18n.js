// The language of the page: the browser's first, then what was chosen; words, numbers and dates.

import en from "./strings/en.js";
import fr from "./strings/fr.js";

const TABLES = { en, fr };
const KEY = "pomona-language";
// The sources count a week as 7 days, a month as 30, a year as 365.
const SPANS = [["year", 365], ["month", 30], ["week", 7], ["day", 1]];

let current = remembered() ?? preferred(navigator.languages ?? [navigator.language]);

export const language = () => current;
export const otherLanguage = () => (current === "en" ? "fr" : "en");

export function setLanguage(lang) {
  current = lang;
  try {
    localStorage.setItem(KEY, lang);
  } catch {
    // A private window: it holds until the page is closed.
  }
}

/** The first of the browser's languages that the page speaks; English if none is. */
export function preferred(languages) {
  const short = languages.map((each) => each.slice(0, 2).toLowerCase());
  return short.find((each) => each in TABLES) ?? "en";
}

/** The words of a key in the language in force. */
export function t(key, ...values) {
  const words = TABLES[current][key];
  return typeof words === "function" ? words(...values) : words;
}

export const formatNumber = (value) =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: 2 }).format(value);

export const formatPercent = (share) =>
  new Intl.NumberFormat(locale(), { style: "percent" }).format(share);

export const formatSize = (bytes) =>
  `${formatNumber(Math.round(bytes / 1e6))} ${current === "fr" ? "Mo" : "MB"}`;

export const formatTime = (time) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(time);

export const monthName = (month, width = "long") =>
  new Intl.DateTimeFormat(locale(), { month: width, timeZone: "UTC" }).format(
    Date.UTC(2024, month - 1, 15),
  );

// Of the reader's own country where it speaks the page's language: en-GB writes dates as en-US does not.
const locale = () => navigator.languages?.find((each) => each.startsWith(current)) ?? current;

export function formatDays(days) {
  const [span, length] = SPANS.find(([, each]) => days % each === 0);
  const n = days / length;
  return `${n} ${t(span)[n === 1 ? 0 : 1]}`;
}

export const formatList = (items) =>
  new Intl.ListFormat(locale(), { type: "conjunction" }).format(items);

export const capitalise = (text) => text.charAt(0).toLocaleUpperCase(current) + text.slice(1);

function remembered() {
  try {
    const kept = localStorage.getItem(KEY);
    return kept in TABLES ? kept : null;
  } catch {
    return null;
  }
}
