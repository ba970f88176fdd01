// The views of a picture that a recogniser looks at; mirrors pomona/recognition/preprocessing.py.

import { FILTER_NAMES, resize } from "./resample.js";

/** Whether this browser can make the pixels that a model asks for. @param {Preprocessing} preprocessing */
export function canPrepare(preprocessing) {
  return (
    FILTER_NAMES.includes(preprocessing.interpolation) &&
    ["squash", "crop"].includes(preprocessing.resize)
  );
}

/**
 * @param {Pixels} image upright, RGBA
 * @param {Preprocessing} preprocessing as in model.json
 * @returns {Uint8Array<ArrayBuffer>[]} one RGB picture of input_size per view
 */
export function prepareViews(image, preprocessing) {
  return preprocessing.views.map((view) => prepare(image, view, preprocessing));
}

/** @param {Pixels} image @param {View} view @param {Preprocessing} preprocessing */
function prepare(image, view, { input_size: [height, width], interpolation, resize: rule }) {
  const part = view.size !== 1 || view.square ? crop(image, boxOf(view, image)) : image;
  const box = rule === "crop" ? fit(part, width, height) : undefined;
  const pixels = resize(part, { width, height, filter: interpolation, box });
  return view.flip ? mirror(pixels, width) : pixels;
}

/** @param {View} view @param {Pixels} image */
function boxOf({ size, x, y, square }, { width, height }) {
  const short = Math.min(width, height);
  const w = Math.max(1, roundHalfEven(size * (square ? short : width)));
  const h = Math.max(1, roundHalfEven(size * (square ? short : height)));
  return { left: roundHalfEven(x * (width - w)), top: roundHalfEven(y * (height - h)), w, h };
}

/** Python rounds halves to the even neighbour; Math.round rounds them up. @param {number} value */
function roundHalfEven(value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * A crop of its own, not a box: Pillow's filter must not look over the edge of a view.
 *
 * @param {Pixels} image @param {ReturnType<typeof boxOf>} box
 */
function crop({ data, width }, { left, top, w, h }) {
  const out = new Uint8ClampedArray(w * h * 4);
  for (let y = 0; y < h; y++) {
    const from = ((top + y) * width + left) * 4;
    out.set(data.subarray(from, from + w * 4), y * w * 4);
  }
  return { data: out, width: w, height: h };
}

/**
 * The largest centred part of the wanted shape, as PIL.ImageOps.fit takes it.
 *
 * @param {Pixels} image @param {number} wantedWidth @param {number} wantedHeight
 */
function fit({ width, height }, wantedWidth, wantedHeight) {
  const ratio = width / height;
  const wanted = wantedWidth / wantedHeight;
  const w = ratio > wanted ? wanted * height : width;
  const h = ratio < wanted ? width / wanted : height;
  const left = (width - w) * 0.5;
  const top = (height - h) * 0.5;
  return [left, top, left + w, top + h];
}

/** @param {Uint8Array} pixels @param {number} width */
function mirror(pixels, width) {
  const out = new Uint8Array(pixels.length);
  const n = pixels.length / 3;
  for (let i = 0; i < n; i++) {
    const x = i % width;
    const from = (i - x + (width - 1 - x)) * 3;
    out.set(pixels.subarray(from, from + 3), i * 3);
  }
  return out;
}
