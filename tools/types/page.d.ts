// What the modules of the page hand each other.

import type english from "../../src/pomona/serving/static/js/strings/en.js";
import type { Look as LiveLook } from "../../src/pomona/serving/static/js/identify.js";
import type { Knowledge as TheKnowledge } from "../../src/pomona/serving/static/js/knowledge.js";
import type { Recogniser as TheRecogniser } from "../../src/pomona/serving/static/js/recogniser.js";
import type { icon } from "../../src/pomona/serving/static/js/icons.js";

declare global {
  type Look = LiveLook;
  type Knowledge = TheKnowledge;
  type Recogniser = TheRecogniser;
  type IconName = Parameters<typeof icon>[0];

  // Words: strings/en.js is the measure; fr.js has to have the same.
  type Words = typeof english;
  type WordKey = keyof Words;
  // As a method, so that a word may ask for numbers alone.
  type Saying = { say(...values: (string | number)[]): string }["say"];
  type Word = string | [one: string, many: string] | Saying;
  type Table = Record<string, Word>;
  type KeysOf<Kind> = { [Key in WordKey]: Words[Key] extends Kind ? Key : never }[WordKey];
  type PlainKey = KeysOf<string>;
  type ValuesOf<Key extends WordKey> = Words[Key] extends (...values: infer Values) => string ? Values : [];
  type Said<Key extends WordKey> = Words[Key] extends string | ((...values: never) => string) ? string : Words[Key];

  // Elements: h("p.lead", {id: "x", onclick: f}, "text", child).
  type Child = Node | string | number | boolean | null | undefined | Child[];
  type Attribute = string | number | boolean | null | undefined;
  interface Props {
    onclick?: (event: MouseEvent) => unknown;
    onsubmit?: (event: SubmitEvent) => unknown;
    onchange?: (event: Event) => unknown;
    oninput?: (event: Event) => unknown;
    [name: string]: Attribute | ((event: never) => unknown);
  }
  type Rest = [(Props | Child)?, ...Child[]];
  type TagOf<What extends string> = What extends `${infer Tag}.${string}` ? Tag : What;
  type ElementOf<Tag extends string> = Tag extends keyof HTMLElementTagNameMap
    ? HTMLElementTagNameMap[Tag]
    : Tag extends ""
      ? HTMLDivElement
      : HTMLElement;

  interface Photo {
    blob: Blob;
    thumbnail: Blob;
    score: Score | null;
  }

  type Where = "device" | "server";

  /** A look as the history keeps it. */
  interface LookRecord {
    id: string;
    time: number;
    answer: Answer;
    where: Where;
    contribution: Contribution | null;
    thumbnails: Blob[];
  }

  interface App {
    knowledge: Knowledge;
    recogniser: Recogniser;
    looks: Map<string, Look>;
    say(text: string): void;
    show(): Promise<void>;
    retitle(page: Page): void;
    announce(text: string): void;
    identify(look: Look): Promise<void>;
    look(files: Blob[], id?: string): Promise<void>;
    startEngine(): Promise<void>;
  }

  interface Page {
    title: string;
    element: HTMLElement;
    immersive?: boolean;
  }

  /** `signal` ends with the page; `id` is what follows its name in the address, if anything does. */
  interface Visit {
    signal: AbortSignal;
    id?: string;
  }

  type PageMaker = (app: App, visit: Visit) => Page | Promise<Page>;

  // Not in TypeScript's own list: only some browsers have it.
  interface Navigator {
    connection?: { saveData?: boolean };
  }
}
