// What crosses a border of the phone app: the server's JSON, and the messages of worker.js.
// Mirrors pomona/serving/api/answers.py and pomona/facts/records.py.

import type { RUNTIME } from "../../src/pomona/serving/static/js/runtime.js";

declare global {
  type Lang = "en" | "fr";

  interface NamedLabel {
    label: string;
    fruit_id: string | null;
    names?: Record<Lang, string>;
  }

  interface View {
    size: number;
    x: number;
    y: number;
    flip: boolean;
    square: boolean;
  }

  interface Preprocessing {
    input_size: [height: number, width: number];
    interpolation: string;
    resize: string;
    views: View[];
  }

  interface Rule {
    rejection_threshold?: number | null;
    variety_min: number;
    fruit_min: number;
  }

  interface Model {
    url: string;
    sha256: string;
    size_bytes: number;
    labels: NamedLabel[];
    preprocessing: Preprocessing;
    decision: Rule;
  }

  interface Contributions {
    enabled: boolean;
    consent_version: string;
    consent: Record<Lang, string>;
  }

  interface Config {
    max_photos: number;
    on_device: boolean;
    contributions: Contributions;
  }

  interface Candidate {
    label?: string | null;
    fruit_id: string | null;
    probability: number;
  }

  interface Variety extends Candidate {
    label: string;
  }

  interface Ranked {
    fruit_id: string | null;
    probability: number;
    strangeness: number;
    varieties: Variety[];
    fruits: Candidate[];
  }

  /** Of a variety the label is known; of a fruit it is named where the label has no fruit. */
  type Answer = Ranked &
    (
      | { decision: "variety"; label: string }
      | { decision: "fruit"; label: string | null }
      | { decision: "unknown"; label: null }
    );

  interface Contribution {
    code: string;
    label: string;
    retention_days: number | null;
  }

  type Nutrient =
    | "energy_kcal" | "water_g" | "carbohydrate_g" | "sugars_g" | "fiber_g"
    | "protein_g" | "fat_g" | "vitamin_c_mg" | "potassium_mg";
  type Place = "pantry_days_max" | "fridge_days_max" | "freezer_days_max";
  type Nutrition = { usda_ndb_no: string; usda_description: string } & Partial<Record<Nutrient, number>>;

  /** What is not known has no key. */
  interface Sheet {
    fruit_id: string;
    name: string;
    name_en: string;
    name_fr: string;
    scientific_name: string;
    family: string;
    kind: "fruit" | "vegetable" | "nut" | "mushroom";
    edible_raw?: boolean;
    nutrition?: Nutrition;
    season_fr_months?: number[];
    co2e_kg_per_kg?: number;
    storage?: Partial<Record<Place, number>>;
    claims?: { text: string }[];
    note?: string;
    sources: Record<string, string>;
  }

  type Sheets = Record<string, Sheet | undefined>;

  interface Pixels<Data = Uint8ClampedArray<ArrayBuffer>> {
    data: Data;
    width: number;
    height: number;
  }

  interface Score {
    probabilities: ArrayLike<number>;
    strangeness: number;
  }

  type Runtime = typeof RUNTIME;
  type LoadRequest = { model: Model; runtimeVersion: string };
  type ScoreRequest = { bitmap: ImageBitmap };
  /** What each action of the worker is asked with, and what it answers. */
  interface WorkerActions {
    load: { request: LoadRequest; result: { threads: number } };
    score: { request: ScoreRequest; result: Score & { timing: { decode: number; network: number } } };
  }
  type WorkerRequest = { id: number } & (
    | ({ action: "load" } & LoadRequest)
    | ({ action: "score" } & ScoreRequest)
  );
  type WorkerReply =
    | { received: number }
    | { id: number; result: WorkerActions[keyof WorkerActions]["result"] }
    | { id: number; error: string };
}
