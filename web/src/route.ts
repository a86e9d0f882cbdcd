/** Addresses behind the #, so that the server needs to know none of them. */

import { useSyncExternalStore } from "react";

export interface Route {
  readonly page: string;
  readonly ids: readonly number[];
}

function routeOf(hash: string): Route {
  const [page = "", ...rest] = hash.replace(/^#\/?/, "").split("/");
  return { page: page || "photos", ids: rest.map(Number).filter((id) => Number.isInteger(id) && id > 0) };
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(
    (changed) => {
      window.addEventListener("hashchange", changed);
      return () => window.removeEventListener("hashchange", changed);
    },
    () => window.location.hash,
  );
  return routeOf(hash);
}

export function go(address: string): void {
  window.location.hash = address;
}
