// What the page knows of its server's model and of the fruits: names, sheets, seasons.

import { fetchConfig, fetchFacts, fetchModel } from "./api.js";
import { capitalise, language, otherLanguage } from "./i18n.js";

/** The model, after load(). @param {Knowledge} knowledge */
export function modelOf({ model }) {
  if (!model) throw new Error("The model is not loaded yet.");
  return model;
}

export class Knowledge {
  /** @type {Config | null} */
  config = null;
  /** @type {Model | null} */
  model = null;
  /** @type {Partial<Record<Lang, Sheets>>} */
  #facts = {};
  /** @type {Partial<Record<Lang | "server", Promise<void>>>} */
  #loading = {};

  /** Settings and model, once; after a failure a further call tries again. */
  load() {
    return this.#once("server", async () => {
      [this.config, this.model] = await Promise.all([fetchConfig(), fetchModel()]);
    });
  }

  get maxPhotos() {
    return this.config?.max_photos ?? 5;
  }

  /** Sheets of the language in force, by fruit; undefined until loadFacts has come back. */
  get facts() {
    return this.#facts[language()];
  }

  /** Load the sheets in the language in force, once; the other language follows for offline use. */
  loadFacts(lang = language()) {
    return this.#once(lang, async () => {
      this.#facts[lang] = (await fetchFacts(lang)).fruits;
    });
  }

  /** All that names need; without a network and without a past, pages show what they can. */
  loadNames() {
    return Promise.allSettled([this.load(), this.loadFacts()]);
  }

  keepOtherLanguage() {
    return this.loadFacts(otherLanguage()).catch(() => {});
  }

  /** @param {Lang | "server"} what @param {() => Promise<void>} load */
  #once(what, load) {
    return (this.#loading[what] ??= load().catch((error) => {
      delete this.#loading[what];
      throw error;
    }));
  }

  /** @param {string} label */
  labelName(label) {
    const known = this.model?.labels.find((each) => each.label === label);
    return capitalise(known?.names?.[language()] ?? label);
  }

  /** @param {string | null} fruitId */
  fruitName(fruitId) {
    const name = this.sheet(fruitId)?.name;
    return name ? capitalise(name) : null;
  }

  /** @param {string | null | undefined} fruitId */
  sheet(fruitId) {
    return fruitId ? this.facts?.[fruitId] : undefined;
  }

  /** All sheets, by name. */
  get sheets() {
    return Object.values(this.facts ?? {})
      .filter((sheet) => sheet !== undefined)
      .sort((a, b) => a.name.localeCompare(b.name, language()));
  }

  /** What this month has and others have not; all year round is no season. @param {number} month */
  inSeason(month) {
    return this.sheets.filter(
      ({ season_fr_months: months }) => months?.includes(month) && months.length < 12,
    );
  }
}
