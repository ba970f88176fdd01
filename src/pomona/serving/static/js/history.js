// What was looked at, in this browser's own database and nowhere else.

const NAME = "pomona";
const STORE = "looks";

let opening;
// Where the browser keeps nothing (some private windows), the page does while it is open.
let inMemory = null;

export const isKept = async () => Boolean(await database());

/** Newest first. */
export async function listLooks() {
  const all = await withStore("readonly", (store) => store.getAll(), () => [...inMemory.values()]);
  return all.sort((a, b) => b.time - a.time);
}

export const getLook = (id) =>
  withStore("readonly", (store) => store.get(id), () => inMemory.get(id));

/** Add a look, or change one that is there. */
export const putLook = (look) =>
  withStore("readwrite", (store) => store.put(look), () => inMemory.set(look.id, look));

export const deleteLook = (id) =>
  withStore("readwrite", (store) => store.delete(id), () => inMemory.delete(id));

export const deleteLooks = () =>
  withStore("readwrite", (store) => store.clear(), () => inMemory.clear());

async function withStore(mode, ask, instead) {
  const db = await database();
  if (!db) return instead();
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(STORE, mode);
    const request = ask(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

function database() {
  opening ??= open().catch(() => {
    inMemory = new Map();
    return null;
  });
  return opening;
}

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
