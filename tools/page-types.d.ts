// Types of the phone app's page: what the server sends, what is kept, what the pages hand around.
// Not shipped; `make lint` checks the page against them.

type Lang = "en" | "fr";
type Words = string | string[] | ((...values: (string | number)[]) => string);

interface Rgba {
  data: Uint8ClampedArray | Uint8Array;
  width: number;
  height: number;
}

interface View {
  size: number;
  x: number;
  y: number;
  square: boolean;
  flip: boolean;
}

interface Preprocessing {
  input_size: [height: number, width: number];
  interpolation: string;
  resize: string;
  views: View[];
}

interface Score {
  probabilities: ArrayLike<number>;
  strangeness: number;
}

interface Candidate {
  label: string;
  fruit_id: string | null;
  probability: number;
}

interface FruitShare {
  fruit_id: string | null;
  probability: number;
}

interface Answer {
  decision: "variety" | "fruit" | "unknown";
  label: string | null;
  fruit_id: string | null;
  probability: number;
  strangeness: number;
  varieties: Candidate[];
  fruits: FruitShare[];
}

interface Rule {
  rejection_threshold?: number | null;
  variety_min: number;
  fruit_min: number;
}

interface Label {
  label: string;
  fruit_id: string | null;
  names?: Partial<Record<Lang, string>>;
}

/** `/v1/model` */
interface Model {
  url: string;
  sha256: string;
  size_bytes: number;
  labels: Label[];
  preprocessing: Preprocessing;
  decision: Rule;
}

interface Contributions {
  enabled: boolean;
  consent: Record<Lang, string>;
  consent_version: string;
}

/** `/v1/config` */
interface Config {
  max_photos: number;
  on_device: boolean;
  contributions?: Contributions;
}

type Nutrient =
  | "energy_kcal"
  | "water_g"
  | "carbohydrate_g"
  | "sugars_g"
  | "fiber_g"
  | "protein_g"
  | "fat_g"
  | "vitamin_c_mg"
  | "potassium_mg";
type Place = "pantry_days_max" | "fridge_days_max" | "freezer_days_max";

/** One fruit of `/v1/facts`; what is not known is not there. */
interface Sheet {
  fruit_id: string;
  name: string;
  name_en: string;
  name_fr: string;
  scientific_name: string;
  family: string;
  kind: string;
  edible_raw?: boolean;
  season_fr_months?: number[];
  nutrition?: { usda_ndb_no: string; usda_description: string } & { [name in Nutrient]?: number };
  storage?: { [place in Place]?: number };
  co2e_kg_per_kg?: number;
  note?: string;
  claims?: { text: string }[];
  sources?: Record<string, string>;
}

interface Contribution {
  code: string;
  label: string;
  retention_days: number | null;
}

type Where = "device" | "server";
type LookState = "looking" | "done" | "refused" | "error";
type EngineState = "idle" | "loading" | "ready" | "unsupported" | "failed";

interface Photo {
  blob: Blob;
  thumbnail: Blob;
  score: Score | null;
}

/** As the history keeps it. */
interface LookRecord {
  id: string;
  time: number;
  answer: Answer;
  where: Where;
  contribution: Contribution | null;
  thumbnails: Blob[];
}

type Knowledge = import("../src/pomona/serving/static/js/knowledge.js").Knowledge;
type Recogniser = import("../src/pomona/serving/static/js/recogniser.js").Recogniser;
type Look = import("../src/pomona/serving/static/js/identify.js").Look;

interface Page {
  title: string;
  element: Element;
  immersive?: boolean;
}

interface Visit {
  /** Aborted when the reader leaves the page. */
  signal: AbortSignal;
  params: string[];
}

interface App {
  knowledge: Knowledge;
  recogniser: Recogniser;
  /** Of this session, by id. */
  looks: Map<string, Look>;
  say(text: string): void;
  show(): Promise<void>;
  retitle(page: { title: string }): void;
  announce(text: string): void;
  identify(look: Look): Promise<void>;
  look(files: Blob[], id?: string): Promise<void>;
  startEngine(): Promise<void>;
}

interface Runtime {
  version: string;
  size_bytes: number;
}

type Props = { [name: string]: unknown };
type Child = string | number | boolean | null | undefined | Node | Props | Child[];
type TagOf<What extends string> = What extends `${infer Tag}.${string}` ? (Tag extends "" ? "div" : Tag) : What;
type ElementOf<What extends string> =
  TagOf<What> extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[TagOf<What>] : HTMLElement;

interface Navigator {
  /** Not in every browser. */
  connection?: { saveData?: boolean };
}

/** ONNX Runtime Web as far as the page calls it. */
interface Ort {
  env: {
    logLevel: string;
    wasm: { wasmBinary: ArrayBuffer; wasmPaths: { mjs: string }; numThreads: number };
  };
  Tensor: new (type: "uint8", data: Uint8Array, dims: number[]) => object;
  InferenceSession: { create(network: Uint8Array, options: object): Promise<OrtSession> };
}

interface OrtSession {
  run(
    feeds: { images: object },
    fetches: ["probabilities", "strangeness"],
  ): Promise<Record<"probabilities" | "strangeness", { data: Float32Array }>>;
}
