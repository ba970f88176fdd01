// The live camera: open, choose, take a picture, stop.

export const canUseCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

export class Camera {
  #video;
  /** @type {MediaStream | null} */
  #stream = null;
  #facing = "environment";

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
  }

  /** Rejects with a DOMException: NotAllowedError, NotFoundError, ... */
  async open() {
    this.stop();
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: { ideal: this.#facing }, width: { ideal: 1920 }, height: { ideal: 1080 } },
    });
    this.#stream = stream;
    this.#video.srcObject = stream;
    await this.#video.play();
  }

  /** Whether there is another camera to turn to. */
  async hasSeveral() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter(({ kind }) => kind === "videoinput").length > 1;
  }

  turn() {
    this.#facing = this.#facing === "environment" ? "user" : "environment";
    return this.open();
  }

  /** The middle square of the frame: what the finder shows. */
  async take() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    const side = Math.min(width, height);
    const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
    const left = Math.floor((width - side) / 2);
    const top = Math.floor((height - side) / 2);
    const context = canvas.getContext("2d");
    context?.drawImage(this.#video, left, top, side, side, 0, 0, side, side);
    /** @type {Blob | null} */
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
    if (!context || !blob) throw new Error("The camera gave no picture.");
    return blob;
  }

  stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
  }
}
