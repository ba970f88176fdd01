// The season as a wheel of twelve months; colour, thickness and text all say the same.

import { svg } from "./dom.js";
import { formatList, monthName, t } from "./i18n.js";

const CENTRE = 100;
const INNER = 46;
const OUTER = { in: 78, out: 66 };
const NAMES = 90;
const GAP = 1.6;

/** @param {number[]} months 1 to 12 */
export function seasonWheel(months, now = new Date()) {
  const current = now.getMonth() + 1;
  const all = Array.from({ length: 12 }, (_, i) => i + 1);
  return svg(
    "svg.wheel",
    { viewBox: "0 0 200 200", role: "img", "aria-label": t("season_wheel", seasonText(months)) },
    all.map((month) => segment(month, months.includes(month), month === current)),
    all.map((month) => label(month, months.includes(month), month === current)),
    svg("text.wheel-centre", { x: CENTRE, y: CENTRE + 6, "text-anchor": "middle" }, monthName(current, "short")),
  );
}

/** @param {number[]} months */
export function seasonText(months) {
  return months.length === 12 ? t("season_all") : formatList(months.map((each) => monthName(each)));
}

/** @param {number} month @param {boolean} inSeason @param {boolean} isCurrent */
function segment(month, inSeason, isCurrent) {
  const from = (month - 1) * 30 + GAP;
  const to = month * 30 - GAP;
  const outer = inSeason ? OUTER.in : OUTER.out;
  const d = [
    `M${at(INNER, from)}`,
    `L${at(outer, from)}`,
    `A${outer} ${outer} 0 0 1 ${at(outer, to)}`,
    `L${at(INNER, to)}`,
    `A${INNER} ${INNER} 0 0 0 ${at(INNER, from)}Z`,
  ].join("");
  return svg(["path", "month", inSeason && "in", isCurrent && "current"].filter(Boolean).join("."), { d });
}

/** @param {number} month @param {boolean} inSeason @param {boolean} isCurrent */
function label(month, inSeason, isCurrent) {
  const [x, y] = at(NAMES, month * 30 - 15).split(" ");
  const what = ["text", "month-name", inSeason && "in", isCurrent && "current"].filter(Boolean).join(".");
  const letter = monthName(month, "narrow");
  return svg(what, { x, y: Number(y) + 4, "text-anchor": "middle" }, letter);
}

/**
 * Degrees from the top, clockwise: the year starts where a clock does.
 *
 * @param {number} radius @param {number} degrees
 */
function at(radius, degrees) {
  const angle = ((degrees - 90) * Math.PI) / 180;
  return `${(CENTRE + radius * Math.cos(angle)).toFixed(2)} ${(CENTRE + radius * Math.sin(angle)).toFixed(2)}`;
}
