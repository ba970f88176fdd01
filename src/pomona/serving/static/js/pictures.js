// Pictures in the browser: decoded upright, read as pixels, made again without metadata.

// Of what is sent or kept. The recogniser looks at far less; a server's limit is far above.
const SENT_SIDE = 2048;
const KEPT_SIDE = 480;
// Older phones refuse a larger canvas, so pixels are read in bands of at most this many.
const BAND_PIXELS = 1 << 22;

/**
 * Decode as the server does: orientation applied, no colour management.
 *
 * @param {Blob} blob
 * @returns {Promise<ImageBitmap>} rejects if the browser cannot decode it
 */
export async function decodePicture(blob) {
  const plain = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  try {
    return await createImageBitmap(blob, { ...plain, imageOrientation: "from-image" });
  } catch (error) {
    // Browsers that do not know the word turn pictures upright unasked.
    if (!(error instanceof TypeError)) throw error;
    return createImageBitmap(blob, plain);
  }
}

/** All pixels, RGBA, transparency laid over white. */
export function readPixels(bitmap) {
  const { width, height } = bitmap;
  const data = new Uint8ClampedArray(width * height * 4);
  const rows = Math.max(1, Math.min(height, Math.floor(BAND_PIXELS / width)));
  const canvas = makeCanvas(width, rows);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += rows) {
    const n = Math.min(rows, height - top);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, n);
    context.drawImage(bitmap, 0, -top);
    data.set(context.getImageData(0, 0, width, n).data, top * width * 4);
  }
  return { data, width, height };
}

/** A new JPEG to send: only pixels go through a canvas, so place, time and device stay behind. */
export function withoutMetadata(bitmap) {
  return redraw(bitmap, SENT_SIDE, 0.92);
}

/** A small JPEG for the history. */
export function makeThumbnail(bitmap) {
  return redraw(bitmap, KEPT_SIDE, 0.82);
}

async function redraw(bitmap, side, quality) {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  if (!blob) throw new Error("The picture could not be made again.");
  return blob;
}

function makeCanvas(width, height) {
  if (typeof OffscreenCanvas !== "undefined") return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement("canvas"), { width, height });
}
