// Elements from code: text is always text, so no name from anywhere can become markup.

const SVG = "http://www.w3.org/2000/svg";

/** h("p.lead", {id: "x", onclick: f}, "text", child): an element. */
export function h(what, ...rest) {
  const [tag, ...classes] = what.split(".");
  return fill(document.createElement(tag || "div"), classes, rest);
}

/** The same in SVG. */
export function svg(what, ...rest) {
  const [tag, ...classes] = what.split(".");
  return fill(document.createElementNS(SVG, tag), classes, rest);
}

function fill(element, classes, rest) {
  if (classes.length) element.setAttribute("class", classes.join(" "));
  const hasProps = rest[0] && Object.getPrototypeOf(rest[0]) === Object.prototype;
  for (const [name, value] of Object.entries(hasProps ? rest.shift() : {})) set(element, name, value);
  element.append(...rest.flat(Infinity).filter((each) => each === 0 || (each && each !== true)));
  return element;
}

function set(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else element.setAttribute(name, value === true ? "" : value);
}
