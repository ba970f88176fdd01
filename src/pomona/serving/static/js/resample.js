// Pillow's resize, bit for bit: 8 bits, two passes, 22-bit fixed-point weights.
// The browser's own scaling differs between browsers and by several levels, and the recogniser was
// trained on Pillow's pixels. Reference: Pillow, src/libImaging/Resample.c.

const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/** @type {Record<string, {support: number, at: (x: number) => number} | undefined>} */
const FILTERS = {
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, at: bicubic },
  lanczos: { support: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

export const FILTER_NAMES = Object.keys(FILTERS);

/**
 * Resize RGBA pixels as Pillow resizes an RGB picture.
 *
 * @param {Pixels<Uint8ClampedArray | Uint8Array>} image
 * @param {{width: number, height: number, filter?: string, box?: number[]}} wanted
 *   box: left, top, right, bottom of the part to take; fractions of pixels are allowed.
 * @returns {Uint8Array<ArrayBuffer>} RGB, height * width * 3
 */
export function resize(image, { width, height, filter = "bicubic", box }) {
  const kernel = FILTERS[filter];
  if (!kernel) throw new RangeError(`Unknown filter '${filter}'.`);
  // Pillow's C code takes the box in single precision.
  const [left, top, right, bottom] = (box ?? [0, 0, image.width, image.height]).map(Math.fround);
  const across = left !== 0 || right !== image.width || width !== image.width;
  const down = top !== 0 || bottom !== image.height || height !== image.height;
  const columns = across && weigh(left, right, image.width, width, kernel);
  const rows = down && weigh(top, bottom, image.height, height, kernel);
  // The order changes the rounding; Pillow 13 shrinks tall pictures vertically first.
  const downFirst = image.height - height > Math.max(0, 2 * (image.width - width));
  let pixels = dropAlpha(image);
  for (const pass of downFirst ? ["down", "across"] : ["across", "down"]) {
    if (pass === "across" && columns) pixels = combineColumns(pixels, columns, width);
    if (pass === "down" && rows) pixels = combineRows(pixels, rows, height);
  }
  return pixels.data;
}

/** @param {number} value */
function bicubic(value) {
  const a = -0.5;
  const x = Math.abs(value);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/**
 * Fixed-point weights of every output pixel, with its first input pixel and their number.
 *
 * @param {number} start @param {number} end @param {number} nIn @param {number} nOut
 * @param {{support: number, at: (x: number) => number}} kernel
 */
function weigh(start, end, nIn, nOut, kernel) {
  const scale = Math.fround(end - start) / nOut;
  const filterScale = Math.max(scale, 1);
  const support = kernel.support * filterScale;
  const size = Math.ceil(support) * 2 + 1;
  const weights = new Int32Array(nOut * size);
  const first = new Int32Array(nOut);
  const count = new Int32Array(nOut);
  const taps = new Float64Array(size);
  for (let i = 0; i < nOut; i++) {
    const centre = start + (i + 0.5) * scale;
    const low = Math.max(Math.trunc(centre - support + 0.5), 0);
    const high = Math.min(Math.trunc(centre + support + 0.5), nIn);
    let total = 0;
    for (let j = 0; j < high - low; j++) {
      taps[j] = kernel.at((j + low - centre + 0.5) * (1 / filterScale));
      total += taps[j];
    }
    for (let j = 0; j < high - low; j++) {
      const fixed = (total ? taps[j] / total : taps[j]) * (1 << PRECISION_BITS);
      weights[i * size + j] = Math.trunc(fixed + (fixed >= 0 ? 0.5 : -0.5));
    }
    first[i] = low;
    count[i] = high - low;
  }
  return { weights, first, count, size };
}

/** @param {Pixels<Uint8ClampedArray | Uint8Array>} image */
function dropAlpha({ data, width, height }) {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  return { data: rgb, width, height };
}

/** @param {Pixels<Uint8Array>} image @param {ReturnType<typeof weigh>} columns @param {number} nOut */
function combineColumns({ data, width, height }, { weights, first, count, size }, nOut) {
  const out = new Uint8Array(height * nOut * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const row = y * width * 3;
    for (let x = 0; x < nOut; x++, to += 3) {
      let r = HALF, g = HALF, b = HALF;
      let from = row + first[x] * 3;
      const end = x * size + count[x];
      for (let k = x * size; k < end; k++, from += 3) {
        const weight = weights[k];
        r += Math.imul(data[from], weight);
        g += Math.imul(data[from + 1], weight);
        b += Math.imul(data[from + 2], weight);
      }
      out[to] = clip(r);
      out[to + 1] = clip(g);
      out[to + 2] = clip(b);
    }
  }
  return { data: out, width: nOut, height };
}

/** @param {Pixels<Uint8Array>} image @param {ReturnType<typeof weigh>} rows @param {number} nOut */
function combineRows({ data, width }, { weights, first, count, size }, nOut) {
  const length = width * 3;
  const out = new Uint8Array(nOut * length);
  const sums = new Int32Array(length);
  for (let y = 0; y < nOut; y++) {
    sums.fill(HALF);
    // Whole rows at a time: memory is then read in its own order.
    for (let k = 0; k < count[y]; k++) {
      const weight = weights[y * size + k];
      const from = (first[y] + k) * length;
      for (let i = 0; i < length; i++) sums[i] += Math.imul(data[from + i], weight);
    }
    const to = y * length;
    for (let i = 0; i < length; i++) out[to + i] = clip(sums[i]);
  }
  return { data: out, width, height: nOut };
}

/** @param {number} sum */
function clip(sum) {
  const value = sum >> PRECISION_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
