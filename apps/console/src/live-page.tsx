import type { ChangeRow } from '@activation-hub/console-contract';
import { useMemo, useState } from 'react';
import { Button } from 'react-aria-components';
import { useAbout } from './about.ts';
import { ChangePanel } from './change-panel.tsx';
import { ChangeGrid } from './change-grid.tsx';
import { useLive } from './live-state.ts';
import { Empty, groupOf, outcomeOf, PageHead } from './parts.tsx';
import { setQuery, usePlace } from './router.tsx';
import { useShortcuts } from './shortcuts.ts';
import { countOf, numberOf, withChosen } from './words.ts';

const groups: readonly { readonly name: string; readonly value: string; readonly has: (row: ChangeRow) => boolean }[] =
  [
    { name: 'All', value: '', has: () => true },
    { name: 'Told', value: 'told', has: ({ outcome }) => outcome === 'delivered' },
    { name: 'Wait', value: 'wait', has: ({ outcome }) => outcome !== 'paused' && groupOf(outcome) === 'waits' },
    { name: 'Failed', value: 'failed', has: ({ outcome }) => groupOf(outcome) === 'bad' },
    { name: 'Not told', value: 'not-told', has: ({ outcome }) => outcome === 'paused' || groupOf(outcome) === 'plain' },
  ];

/** Each change as it happens, filtered by what stands in the address. */
export function LivePage() {
  const { query } = usePlace();
  const rows = useLive((state) => state.rows);
  const leftOut = useLive((state) => state.leftOut);
  const [heldAtId, setHeldAtId] = useState<number>();
  const selectedId = Number(query.get('change') ?? 0);
  const toggleHold = (): void => setHeldAtId(heldAtId === undefined ? (rows.at(-1)?.id ?? 0) : undefined);
  useShortcuts({ p: toggleHold, Escape: () => setQuery({ change: '' }) });

  const filtered = useMemo(() => rows.filter(filterOf(query)).reverse(), [rows, query]);
  const shown = heldAtId === undefined ? filtered : filtered.filter(({ id }) => id <= heldAtId);
  const newer = filtered.length - shown.length;
  return (
    <div className="live">
      <PageHead title="Live" about="Each change as it happens, the newest first.">
        <span role="status" className="quiet-text">
          {heldAtId === undefined ? '' : `The list is held. ${countOf(newer, 'newer change')}.`}
          {leftOut > 0 ? ` ${numberOf(leftOut)} came too fast to be shown.` : ''}
        </span>
        <Button className={heldAtId === undefined ? 'secondary' : 'primary'} onPress={toggleHold}>
          {heldAtId === undefined ? 'Hold the list' : 'Go on'} <kbd>p</kbd>
        </Button>
      </PageHead>
      <Filters query={query} rows={rows} />
      <div className={selectedId > 0 ? 'split' : 'split closed'}>
        {shown.length > 0 ? (
          <ChangeGrid
            rows={shown}
            selectedId={selectedId}
            onSelect={(id) => setQuery({ change: id === 0 ? '' : String(id) })}
          />
        ) : (
          <NothingHere isFiltered={rows.length > 0} />
        )}
        {selectedId > 0 ? <ChangePanel id={selectedId} onClose={() => setQuery({ change: '' })} /> : null}
      </div>
    </div>
  );
}

function filterOf(query: URLSearchParams): (row: ChangeRow) => boolean {
  const group = groups.find(({ value }) => value === (query.get('show') ?? ''));
  const wanted = (['audience', 'destination', 'outcome', 'who'] as const).map(
    (name) => [name, query.get(name)] as const,
  );
  const exportId = query.get('export');
  const text = query.get('text')?.toLowerCase() ?? '';
  return (row) =>
    (group?.has(row) ?? true) &&
    wanted.every(([name, value]) => value === null || row[name] === value) &&
    (exportId === null || row.exportId === exportId) &&
    (text === '' || wordsOf(row).some((word) => word.toLowerCase().includes(text)));
}

/** What a text is looked for in. */
function wordsOf(row: ChangeRow): readonly string[] {
  const { audience, destination, namespace, person, outcome, why, kind = '' } = row;
  return [audience, destination, namespace, person, outcome, outcomeOf(row), why, kind];
}

function Filters({ query, rows }: { readonly query: URLSearchParams; readonly rows: readonly ChangeRow[] }) {
  const about = useAbout();
  const show = query.get('show') ?? '';
  const counts = useMemo(() => groups.map(({ has }) => rows.filter(has).length), [rows]);
  const isFollowed = query.has('who') || query.has('export');
  return (
    <div className="filters" role="search" aria-label="Filter of the changes">
      <input
        data-filter=""
        type="search"
        aria-label="Filter by text"
        placeholder="Filter   /"
        value={query.get('text') ?? ''}
        onChange={(event) => setQuery({ text: event.target.value })}
      />
      <Choice name="audience" all="All audiences" values={about?.audiences.map(({ key }) => key) ?? []} query={query} />
      <Choice
        name="destination"
        all="All destinations"
        values={about?.destinations.map(({ key }) => key) ?? []}
        query={query}
      />
      <div className="chips" role="group" aria-label="By outcome">
        {groups.map(({ name, value }, index) => (
          <button
            key={value}
            type="button"
            aria-pressed={value === show}
            onClick={() => setQuery({ show: value, outcome: '' })}
          >
            {name} <small>{numberOf(counts[index] ?? 0)}</small>
          </button>
        ))}
      </div>
      {isFollowed ? (
        <button type="button" className="followed" onClick={() => setQuery({ who: '', export: '' })}>
          {query.has('who') ? 'One person' : `Export ${query.get('export') ?? ''}`} ✕
          <span className="hidden"> Show all</span>
        </button>
      ) : null}
    </div>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly all: string;
  readonly values: readonly string[];
  readonly query: URLSearchParams;
}

function Choice({ name, all, values, query }: ChoiceProps) {
  return (
    <select
      aria-label={name}
      value={query.get(name) ?? ''}
      onChange={(event) => setQuery({ [name]: event.target.value })}
    >
      <option value="">{all}</option>
      {withChosen(values, query.get(name)).map((value) => (
        <option key={value} value={value}>
          {value}
        </option>
      ))}
    </select>
  );
}

function NothingHere({ isFiltered }: { readonly isFiltered: boolean }) {
  const about = useAbout();
  if (isFiltered) {
    return (
      <Empty title="No change is like that">
        Among the last changes none passes the filter.{' '}
        <button
          type="button"
          className="link"
          onClick={() =>
            setQuery({ text: '', show: '', audience: '', destination: '', who: '', export: '', outcome: '' })
          }
        >
          Show all
        </button>
      </Empty>
    );
  }
  return (
    <Empty title="Nothing has happened yet">
      {about?.simulator === undefined
        ? 'No simulator runs. Send an export with activation send, or from your own sender.'
        : 'The first exports of the simulated tenant arrive within a second.'}
    </Empty>
  );
}
