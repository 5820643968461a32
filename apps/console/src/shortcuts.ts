import { useEffect, useRef } from 'react';

/** How long after `g` its second key may come. */
const secondKeyMs = 1_200;

/**
 * Runs what belongs to a key, or to two keys one after the other (`g o`), unless a text field has
 * the focus. `/` always goes to the filter of the page, which is marked by `data-filter`.
 */
export function useShortcuts(actions: Readonly<Record<string, () => void>>): void {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    let first = '';
    let firstAtMs = 0;
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || isWriting(event.target)) return;
      if (document.querySelector('[role=dialog]') !== null) return;
      if (event.key === '/') {
        const filter = document.querySelector<HTMLElement>('[data-filter]');
        if (filter !== null) event.preventDefault();
        filter?.focus();
        return;
      }
      const both = event.timeStamp - firstAtMs < secondKeyMs ? `${first} ${event.key}` : '';
      const action = latest.current[both] ?? latest.current[event.key];
      first = event.key;
      firstAtMs = event.timeStamp;
      if (action === undefined) return;
      event.preventDefault();
      action();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
