// Drawings of the page, each a few strokes on a 24-pixel grid; decoration, hidden from readers.

import { svg } from "./dom.js";

const PATHS = {
  camera: ["M4 8h3l1.6-2.4h6.8L17 8h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1z", "M12 16.6a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.6z"],
  pictures: ["M4 5h12v12H4z", "M8 20.5h12.5V9", "m4 14 3.5-3.5 4 4 1.8-1.8L16 15.4"],
  history: ["M4.5 12a7.5 7.5 0 1 0 2.4-5.5L4.5 8.7", "M4.5 4.5v4.2h4.2", "M12 8v4.4l3 1.8"],
  fruits: ["M12 8.5c-2-1.8-7-1.4-7 4 0 4 2.600 8 4.700 8 1 0 1.300-.5 2.300-.5s1.300.5 2.300.5c2.100 0 4.700-4 4.700-8 0-5.400-5-5.800-7-4z", "M12 8.500c0-2.500 1.200-4.500 3.500-5.500"],
  close: ["M6 6l12 12M18 6 6 18"],
  flip: ["M4 11a8 8 0 0 1 14-4.500L20 9", "M20 4v5h-5", "M20 13a8 8 0 0 1-14 4.500L4 15", "M4 20v-5h5"],
  trash: ["M5 7h14M10 4h4M7 7l1 13h8l1-13M10.500 11v5.500M13.500 11v5.500"],
  plus: ["M12 5v14M5 12h14"],
  next: ["M5 12h14M13 6l6 6-6 6"],
  closer: ["M9 4H4v5M15 4h5v5M9 20H4v-5M15 20h5v-5", "M12 15.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z"],
  plain: ["M3.500 15.500c0 2 3.800 3.500 8.500 3.500s8.500-1.500 8.500-3.500S16.700 12 12 12s-8.500 1.500-8.500 3.500z", "M12 14.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9z"],
  side: ["M12 17a5 5 0 1 0 0-10 5 5 0 0 0 0 10z", "M3 12c0 3 4 5 9 5s9-2 9-5", "M18.500 15.500 21 12l-3.800-1"],
  device: ["M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2"],
  server: ["M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01"],
  check: ["M5 12.500l4.500 4.500L19 7.500"],
  say: ["M4 5h16v11H11l-4 4v-4H4z"],
};

/** @param {keyof typeof PATHS} name */
export function icon(name) {
  const paths = PATHS[name].map((d) => svg("path", { d }));
  return svg("svg.icon", { viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, paths);
}
