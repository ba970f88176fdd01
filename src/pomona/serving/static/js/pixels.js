// The pixels of a decoded picture; as a worker reads them, without a document.

// Older phones refuse a larger canvas, so pixels are read in bands of at most this many.
const BAND_PIXELS = 1 << 22;

/** All pixels, RGBA, transparency laid over white. @param {ImageBitmap} bitmap */
export function readPixels(bitmap) {
  const { width, height } = bitmap;
  const data = new Uint8ClampedArray(width * height * 4);
  const rows = Math.max(1, Math.min(height, Math.floor(BAND_PIXELS / width)));
  const context = new OffscreenCanvas(width, rows).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("The picture cannot be read here.");
  for (let top = 0; top < height; top += rows) {
    const n = Math.min(rows, height - top);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, n);
    context.drawImage(bitmap, 0, -top);
    data.set(context.getImageData(0, 0, width, n).data, top * width * 4);
  }
  return { data, width, height };
}
