// Elements from code: text is always text, so no name from anywhere can become markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * h("p.lead", {id: "x", onclick: f}, "text", child): an element.
 *
 * @template {string} What
 * @param {What} what
 * @param {Rest} rest
 * @returns {ElementOf<TagOf<What>>}
 */
export function h(what, ...rest) {
  const [tag, ...classes] = what.split(".");
  const element = /** @type {ElementOf<TagOf<What>>} */ (document.createElement(tag || "div"));
  return fill(element, classes, rest);
}

/** The same in SVG. @param {string} what @param {Rest} rest */
export function svg(what, ...rest) {
  const [tag, ...classes] = what.split(".");
  return fill(document.createElementNS(SVG, tag), classes, rest);
}

/** An element that index.html has. @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}.`);
  return element;
}

/** @template {Element} E @param {E} element @param {string[]} classes @param {Rest} rest */
function fill(element, classes, rest) {
  if (classes.length) element.setAttribute("class", classes.join(" "));
  const [first, ...others] = rest;
  const props = isProps(first) ? first : {};
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  element.append(...flatten(isProps(first) ? others : [first, ...others]));
  return element;
}

/** @param {Props | Child} first @returns {first is Props} */
function isProps(first) {
  return Boolean(first) && Object.getPrototypeOf(first) === Object.prototype;
}

/** @param {Child} child @returns {(Node | string)[]} */
function flatten(child) {
  if (Array.isArray(child)) return child.flatMap(flatten);
  if (child instanceof Node) return [child];
  return child === 0 || (child && child !== true) ? [String(child)] : [];
}

/** @param {Element} element @param {string} name @param {Props[string]} value */
function set(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
  else element.setAttribute(name, value === true ? "" : String(value));
}
