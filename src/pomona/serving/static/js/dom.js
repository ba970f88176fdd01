// Elements from code: text is always text, so no name from anywhere can become markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * h("p.lead", {id: "x", onclick: f}, "text", child): an element.
 *
 * @template {string} What
 * @param {What} what
 * @param {...Child} rest
 * @returns {ElementOf<What>}
 */
export function h(what, ...rest) {
  const [tag, ...classes] = what.split(".");
  return /** @type {ElementOf<What>} */ (fill(document.createElement(tag || "div"), classes, rest));
}

/**
 * The same in SVG.
 *
 * @param {string} what
 * @param {...Child} rest
 * @returns {SVGElement}
 */
export function svg(what, ...rest) {
  const [tag, ...classes] = what.split(".");
  return /** @type {SVGElement} */ (fill(document.createElementNS(SVG, tag), classes, rest));
}

/** What is always in index.html. @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}.`);
  return element;
}

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/** @param {Element} element @param {string[]} classes @param {Child[]} rest */
function fill(element, classes, rest) {
  if (classes.length) element.setAttribute("class", classes.join(" "));
  const hasProps = rest[0] && Object.getPrototypeOf(rest[0]) === Object.prototype;
  const props = /** @type {Props} */ (hasProps ? rest.shift() : {});
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  const children = /** @type {unknown[]} */ (rest).flat(Infinity).filter((child) => child === 0 || (child && child !== true));
  element.append(.../** @type {(Node | string)[]} */ (children));
  return element;
}

/** @param {Element} element @param {string} name @param {unknown} value */
function set(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
  else element.setAttribute(name, value === true ? "" : String(value));
}
