// Giving a photograph, only where the operator turned it on; and taking it back.

import { contribute, deleteContribution, messageOf } from "../api.js";
import { h } from "../dom.js";
import { putLook } from "../history.js";
import { language, t } from "../i18n.js";
import { modelOf } from "../knowledge.js";
import { decodePicture, withoutMetadata } from "../pictures.js";

/** A form per photograph of a look; null where nothing is collected. @param {App} app @param {Look} look */
export function contributeForm(app, look) {
  const { contributions } = app.knowledge.config ?? {};
  if (!contributions?.enabled) return null;
  const place = h("details.contribute", h("summary", t("contribute")));
  if (look.contribution) place.append(thanks(look.contribution));
  else place.append(form(app, look, contributions, place));
  return place;
}

/** @param {App} app @param {Look} look @param {Contributions} terms @param {HTMLElement} place */
function form(app, look, { consent, consent_version }, place) {
  const agree = h("input", { type: "checkbox", id: "agree" });
  const problem = h("p.problem", { role: "alert" });
  const labels = h("select", { id: "contribute-label" }, labelOptions(app.knowledge, look.answer?.label));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    problem.textContent = agree.checked ? "" : t("contribute_need");
    if (!agree.checked) return;
    try {
      const clean = await withoutMetadata(await decodePicture(look.photos[0].blob));
      look.contribution = await contribute(clean, labels.value, consent_version);
      await putLook(look.record).catch(() => {});
      place.replaceChildren(h("summary", t("contribute")), thanks(look.contribution));
    } catch (error) {
      problem.textContent = messageOf(error);
    }
  };
  return h(
    "form",
    { onsubmit: submit },
    h("p", t("contribute_lead")),
    h("label", { for: "contribute-label" }, t("contribute_label")),
    labels,
    h("p.consent", consent[language()]),
    h("label.check", { for: "agree" }, agree, h("span", t("contribute_agree"))),
    problem,
    h("button.button.quiet", { type: "submit" }, t("contribute_send")),
  );
}

/** @param {Knowledge} knowledge @param {string | null} [chosen] */
function labelOptions(knowledge, chosen) {
  return modelOf(knowledge).labels
    .map(({ label }) => ({ label, name: knowledge.labelName(label) }))
    .sort((a, b) => a.name.localeCompare(b.name, language()))
    .map(({ label, name }) => h("option", { value: label, selected: label === chosen }, name));
}

/** @param {Contribution} contribution */
function thanks({ code, retention_days }) {
  return h(
    ".thanks",
    { role: "status" },
    h("p", t("contribute_thanks")),
    h("p", h("code.code", code)),
    retention_days && h("p", t("contribute_days", retention_days)),
  );
}

/** Delete by code; shown with the history, because that is where the codes are kept. @param {App} app */
export function takeBackForm({ knowledge }) {
  if (!knowledge.config?.contributions?.enabled) return null;
  const code = h("input", { id: "code", required: true, autocomplete: "off", spellcheck: "false" });
  const said = h("p", { role: "status" });
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      const found = await deleteContribution(code.value.trim());
      said.textContent = t(found ? "uncontribute_done" : "uncontribute_unknown");
    } catch (error) {
      said.textContent = messageOf(error);
    }
  };
  return h(
    "details.contribute",
    h("summary", t("uncontribute")),
    h("form", { onsubmit: submit }, h("label", { for: "code" }, t("uncontribute_code")), code, h("button.button.quiet", { type: "submit" }, t("uncontribute_do")), said),
  );
}
