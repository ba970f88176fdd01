// The service worker: registered, and its successor offered.

import { offerUpdate } from "./dialogs.js";

export async function watchUpdates() {
  if (!("serviceWorker" in navigator)) return;
  const { serviceWorker } = navigator;
  const hadOne = Boolean(serviceWorker.controller);
  let reloading = false;
  serviceWorker.addEventListener("controllerchange", () => {
    // The first worker takes an open page over; nothing changed for its reader.
    if (!hadOne || reloading) return;
    reloading = true;
    location.reload();
  });
  try {
    const registration = await serviceWorker.register("/sw.js", { updateViaCache: "none" });
    offerWaiting(registration);
    registration.addEventListener("updatefound", () => {
      const coming = registration.installing;
      coming?.addEventListener("statechange", () => offerWaiting(registration));
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") registration.update().catch(() => {});
    });
  } catch {
    // Plain HTTP off localhost, or forbidden: the page works, with a network.
  }
}

/** @param {ServiceWorkerRegistration} registration */
function offerWaiting({ waiting }) {
  if (waiting && navigator.serviceWorker.controller) {
    offerUpdate(() => waiting.postMessage("take-over"));
  }
}
