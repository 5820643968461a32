import { useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent, type ReactNode } from 'react';

/** Where the page is: its path, and what stands behind the question mark and behind the `#`. */
export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
  /** As it is written, without the `#`. */
  readonly hash: string;
}

const listeners = new Set<() => void>();
let place = read();
addEventListener('popstate', moved);

function read(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search), hash: location.hash.slice(1) };
}

function moved(): void {
  place = read();
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function usePlace(): Place {
  return useSyncExternalStore(subscribe, () => place);
}

export function go(address: string): void {
  if (address === location.pathname + location.search) return;
  history.pushState(null, '', address);
  moved();
}

/**
 * Changes what stands behind the question mark, without a step in the browser's history; an empty
 * value takes a name out.
 */
export function setQuery(values: Readonly<Record<string, string>>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    if (value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  history.replaceState(null, '', location.pathname + (text === '' ? '' : `?${text}`));
  moved();
}

/**
 * Changes what stands behind the `#`, which a browser never sends to a server, without a step in
 * its history.
 */
export function setHash(text: string): void {
  history.replaceState(null, '', `${location.pathname}${location.search}#${encodeURIComponent(text)}`);
  moved();
}

/** A link within the page. */
export function Link({
  to,
  children,
  ...others
}: AnchorHTMLAttributes<HTMLAnchorElement> & { readonly to: string; readonly children: ReactNode }) {
  const follow = (event: MouseEvent): void => {
    // A click that opens another tab is the browser's.
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a {...others} href={to} onClick={follow}>
      {children}
    </a>
  );
}
