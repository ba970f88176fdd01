// What was looked at, in this browser's own database and nowhere else.

const NAME = "pomona";
const STORE = "looks";

/** @type {Promise<IDBDatabase | null> | undefined} */
let opening;
/**
 * Where the browser keeps nothing (some private windows), the page does while it is open.
 *
 * @type {Map<string, LookRecord>}
 */
const inMemory = new Map();

export const isKept = async () => Boolean(await database());

/** Newest first. @returns {Promise<LookRecord[]>} */
export async function listLooks() {
  const all = await withStore("readonly", (store) => store.getAll(), () => [...inMemory.values()]);
  return all.sort((a, b) => b.time - a.time);
}

/** @param {string} id @returns {Promise<LookRecord | undefined>} */
export const getLook = (id) =>
  withStore("readonly", (store) => store.get(id), () => inMemory.get(id));

/** Add a look, or change one that is there. @param {LookRecord} look @returns {Promise<unknown>} */
export const putLook = (look) =>
  withStore("readwrite", (store) => store.put(look), () => void inMemory.set(look.id, look));

/** @param {string} id @returns {Promise<unknown>} */
export const deleteLook = (id) =>
  withStore("readwrite", (store) => store.delete(id), () => void inMemory.delete(id));

/** @returns {Promise<unknown>} */
export const deleteLooks = () =>
  withStore("readwrite", (store) => store.clear(), () => inMemory.clear());

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => {result: T}} ask
 * @param {() => T} instead
 * @returns {Promise<T>}
 */
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

/** Null where the browser keeps nothing. */
function database() {
  return (opening ??= open().catch(() => null));
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
