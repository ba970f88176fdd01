// From scores to an answer; mirrors pomona/recognition/decisions.py.

export const TOP = 5;

/**
 * Mean of the scores of several views, or of several photographs of one fruit.
 *
 * @param {Score[]} scores
 */
export function combineScores(scores) {
  const n = scores.length;
  const probabilities = new Float64Array(scores[0].probabilities.length);
  let strangeness = 0;
  for (const score of scores) {
    strangeness += score.strangeness / n;
    for (let i = 0; i < probabilities.length; i++) probabilities[i] += score.probabilities[i] / n;
  }
  return { probabilities, strangeness };
}

/**
 * @param {Score} score
 * @param {{labels: NamedLabel[], rule: Rule, top?: number}} model labels and decision of /v1/model
 * @returns {Answer} in the shape of POST /v1/identify, without names and facts
 */
export function decide({ probabilities, strangeness }, { labels, rule, top = TOP }) {
  const ofLabels = labels.map(({ label, fruit_id }, i) => ({
    label,
    fruit_id,
    probability: probabilities[i],
  }));
  const varieties = ranked(ofLabels);
  const fruits = ranked(sumFruits(ofLabels));
  const [best] = varieties;
  const [fruit] = fruits;
  const threshold = rule.rejection_threshold;
  const strange = threshold !== null && threshold !== undefined && strangeness > threshold;
  const answer = { strangeness, varieties: varieties.slice(0, top), fruits: fruits.slice(0, top) };
  if (!strange && best.probability >= rule.variety_min) {
    return { decision: "variety", ...best, ...answer };
  }
  if (!strange && fruit.probability >= rule.fruit_min) {
    const label = fruit.fruit_id === null ? best.label : null;
    return { decision: "fruit", label, ...fruit, ...answer };
  }
  return { decision: "unknown", label: null, fruit_id: null, probability: best.probability, ...answer };
}

/**
 * sort() is stable: of equal probabilities the first label wins, as on the server.
 *
 * @template {Candidate} C
 * @param {C[]} candidates
 */
function ranked(candidates) {
  return [...candidates].sort((a, b) => b.probability - a.probability);
}

/** A label without a fruit counts as a fruit by itself. @param {Variety[]} ofLabels */
function sumFruits(ofLabels) {
  const sums = new Map();
  for (const { label, fruit_id, probability } of ofLabels) {
    const key = fruit_id ?? `label:${label}`;
    const known = sums.get(key) ?? { fruit_id, probability: 0, of: label };
    known.probability += probability;
    sums.set(key, known);
  }
  return [...sums.values()];
}
