// An answer in words.

import { t } from "./i18n.js";

const VERY = 0.9;
const FAIRLY = 0.7;

/**
 * Title, second line and tone of an answer, in the language in force.
 *
 * @param {Answer} answer @param {Knowledge} knowledge
 */
export function describe(answer, knowledge) {
  if (answer.decision === "unknown") return { title: t("unknown"), second: "", tone: "unknown" };
  const fruit = answer.fruit_id && knowledge.fruitName(answer.fruit_id);
  if (answer.decision === "fruit") {
    return { title: fruit ?? knowledge.labelName(answer.label ?? answer.fruit_id ?? ""), second: t("variety_open"), tone: "fruit" };
  }
  const label = knowledge.labelName(answer.label);
  if (!fruit || same(fruit, label)) return { title: label, second: "", tone: "variety" };
  return { title: fruit, second: t("variety_of", label), tone: "variety" };
}

/** @param {Answer} answer */
export function confidenceWords({ decision, probability }) {
  if (decision === "fruit" && probability >= FAIRLY) return t("sure_of_fruit");
  if (probability >= VERY) return t("very_sure");
  return probability >= FAIRLY ? t("fairly_sure") : t("perhaps");
}

/**
 * What else it could be: other fruits, and other varieties where the fruit is sure.
 *
 * @param {Answer} answer @param {Knowledge} knowledge
 */
export function alternatives(answer, knowledge) {
  return answer.varieties
    .filter(({ label }) => answer.decision !== "variety" || label !== answer.label)
    .filter(({ probability }) => probability >= 0.005)
    .slice(0, 4)
    .map((each) => ({ ...each, name: knowledge.labelName(each.label) }));
}

/** @param {string} a @param {string} b */
function same(a, b) {
  return a.localeCompare(b, undefined, { sensitivity: "base" }) === 0;
}
