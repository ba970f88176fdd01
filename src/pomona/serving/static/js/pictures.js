// Pictures in the browser: decoded upright, made again without metadata.

// Of what is sent or kept. The recogniser looks at far less; a server's limit is far above.
const SENT_SIDE = 2048;
const KEPT_SIDE = 480;
const FAILED = "The picture could not be made again.";

/**
 * Decode as the server does: orientation applied, no colour management.
 *
 * @param {Blob} blob
 * @returns {Promise<ImageBitmap>} rejects if the browser cannot decode it
 */
export async function decodePicture(blob) {
  /** @type {ImageBitmapOptions} */
  const plain = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  try {
    return await createImageBitmap(blob, { ...plain, imageOrientation: "from-image" });
  } catch (error) {
    // Browsers that do not know the word turn pictures upright unasked.
    if (!(error instanceof TypeError)) throw error;
    return createImageBitmap(blob, plain);
  }
}

/**
 * A new JPEG to send: only pixels go through a canvas, so place, time and device stay behind.
 *
 * @param {ImageBitmap} bitmap
 */
export function withoutMetadata(bitmap) {
  return redraw(bitmap, SENT_SIDE, 0.92);
}

/** A small JPEG for the history. @param {ImageBitmap} bitmap */
export function makeThumbnail(bitmap) {
  return redraw(bitmap, KEPT_SIDE, 0.82);
}

/** @param {ImageBitmap} bitmap @param {number} side @param {number} quality */
async function redraw(bitmap, side, quality) {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) throw new Error(FAILED);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  /** @type {Blob | null} */
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  if (!blob) throw new Error(FAILED);
  return blob;
}
