import type { ChangeRow } from '@activation-hub/console-contract';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type KeyboardEvent } from 'react';
import { Outcome, outcomeOf } from './parts.tsx';
import { durationOf, timeOf } from './words.ts';

const rowPx = 28;
const columns = ['Time', 'Change', 'Audience', 'Destination', 'Person', 'Outcome', 'Why', 'HTTP', 'Request', 'Age'];

interface ChangeGridProps {
  readonly rows: readonly ChangeRow[];
  readonly selectedId: number;
  readonly onSelect: (id: number) => void;
}

/** Many changes, of which only those in view are drawn. Arrow keys go from row to row. */
export function ChangeGrid({ rows, selectedId, onSelect }: ChangeGridProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const selected = rows.findIndex(({ id }) => id === selectedId);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 8,
  });
  useAnchoredScroll(scroller, rows);

  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: 15,
      PageUp: -15,
      Home: -rows.length,
      End: rows.length,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(rows.length - 1, selected < 0 ? 0 : selected + step));
    onSelect(rows[next]?.id ?? 0);
    virtual.scrollToIndex(next);
  };
  // Rows outside of the window are not in the page, and what is not there cannot be named.
  const isDrawn = virtual.getVirtualItems().some(({ index }) => index === selected);
  return (
    <div
      ref={scroller}
      className="grid"
      role="grid"
      tabIndex={0}
      aria-label="Changes"
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      {...(isDrawn ? { 'aria-activedescendant': `change-${selectedId}` } : {})}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" className="head">
        <div role="row" aria-rowindex={1} className="row">
          {columns.map((name) => (
            <span role="columnheader" key={name}>
              {name}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="body" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start, key }) => {
          const row = rows[index];
          return row === undefined ? null : (
            <Row
              key={key}
              row={row}
              index={index}
              startPx={start}
              isSelected={row.id === selectedId}
              onSelect={onSelect}
            />
          );
        })}
      </div>
    </div>
  );
}

/**
 * Who has scrolled down looks at rows that stay where they are while newer ones come above them.
 */
function useAnchoredScroll(scroller: { readonly current: HTMLDivElement | null }, rows: readonly ChangeRow[]): void {
  const first = useRef(rows[0]?.id ?? 0);
  useEffect(() => {
    const element = scroller.current;
    const before = rows.findIndex(({ id }) => id === first.current);
    if (element !== null && before > 0 && element.scrollTop > rowPx) element.scrollTop += before * rowPx;
    first.current = rows[0]?.id ?? 0;
  }, [rows, scroller]);
}

interface RowProps {
  readonly row: ChangeRow;
  readonly index: number;
  readonly startPx: number;
  readonly isSelected: boolean;
  readonly onSelect: (id: number) => void;
}

function Row({ row, index, startPx, isSelected, onSelect }: RowProps) {
  const { id, atMs, kind, status, audience, destination, namespace, person, why, httpStatus, requestMs, ageMs } = row;
  return (
    // The grid itself takes the keys.
    <div
      role="row"
      id={`change-${id}`}
      className="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      style={{ transform: `translateY(${startPx}px)` }}
      onClick={() => onSelect(isSelected ? 0 : id)}
    >
      <span role="gridcell" className="time">
        {timeOf(atMs)}
      </span>
      <span role="gridcell">{kind ?? (status === undefined ? '' : <i>{status}</i>)}</span>
      <span role="gridcell">{audience}</span>
      <span role="gridcell">{destination}</span>
      <span role="gridcell" className="person">
        {namespace === '' ? '' : <small>{namespace}</small>} <bdi>{person.slice(0, 120)}</bdi>
      </span>
      <span role="gridcell">
        <Outcome outcome={outcomeOf(row)} />
      </span>
      <span role="gridcell" className="why" title={why.slice(0, 400)}>
        <bdi>{why.slice(0, 300)}</bdi>
      </span>
      <span role="gridcell" className="number">
        {httpStatus ?? ''}
      </span>
      <span role="gridcell" className="number">
        {requestMs === undefined ? '' : durationOf(requestMs)}
      </span>
      <span role="gridcell" className="number">
        {ageMs === undefined ? '' : durationOf(ageMs)}
      </span>
    </div>
  );
}
