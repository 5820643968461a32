import { useSyncExternalStore } from 'react';

const name = 'activation-hub-theme';
const listeners = new Set<() => void>();
const read = (): string => localStorage.getItem(name) ?? 'system';

function apply(): void {
  const theme = read();
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const listener of listeners) listener();
}
apply();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply);

/** Light, dark, or as the system is; kept in this browser. */
export function useTheme(): { readonly theme: string; readonly setTheme: (theme: string) => void } {
  const subscribe = (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const theme = useSyncExternalStore(subscribe, read);
  return {
    theme,
    setTheme: (next) => {
      localStorage.setItem(name, next);
      apply();
    },
  };
}

/** A colour of the style sheet as it is now, for what is drawn. */
export function colorOf(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}

/** Calls back whenever the colours are others. */
export function onThemeChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
