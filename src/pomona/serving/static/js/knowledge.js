// What the page knows of its server's model and of the fruits: names, sheets, seasons.

import { fetchConfig, fetchFacts, fetchModel } from "./api.js";
import { capitalise, language, otherLanguage } from "./i18n.js";

export class Knowledge {
  config = null;
  model = null;
  #facts = {};
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

  #once(what, load) {
    this.#loading[what] ??= load().catch((error) => {
      delete this.#loading[what];
      throw error;
    });
    return this.#loading[what];
  }

  labelName(label) {
    const known = this.model?.labels.find((each) => each.label === label);
    return capitalise(known?.names?.[language()] ?? label);
  }

  fruitName(fruitId) {
    const name = this.facts?.[fruitId]?.name;
    return name ? capitalise(name) : null;
  }

  /** What this month has and others have not; all year round is no season. */
  inSeason(month) {
    const sheets = Object.values(this.facts ?? {});
    return sheets
      .filter(({ season_fr_months: months }) => months?.includes(month) && months.length < 12)
      .sort((a, b) => a.name.localeCompare(b.name, language()));
  }
}
