import type { FileRoute } from '@activation-hub/console-contract';
import { Columns, Empty } from './parts.tsx';

const rowPx = 46;
const gapPx = 14;

/**
 * Audiences on the left, destinations on the right, and a line for each route between them. The
 * table says the same in words.
 */
export function RoutePicture({ routes }: { readonly routes: readonly FileRoute[] }) {
  if (routes.length === 0) return <Empty title="No routes">The hub sends nothing. Give an audience `activate`.</Empty>;
  const audiences = [...new Set(routes.map(({ audience }) => audience))];
  const destinations = [...new Set(routes.map(({ destination }) => destination))];
  const rows = Math.max(audiences.length, destinations.length);
  const height = rows * (rowPx + gapPx) - gapPx;
  const middle = (index: number, of: number): number => {
    const offset = (height - (of * (rowPx + gapPx) - gapPx)) / 2;
    return offset + index * (rowPx + gapPx) + rowPx / 2;
  };
  return (
    <div className="picture">
      <Column names={audiences} height={height} note={(name) => consentOf(routes, name)} />
      <svg
        viewBox={`0 0 200 ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={wordsOf(routes)}
        height={height}
      >
        {routes.map(({ audience, destination, mode }) => {
          const from = middle(audiences.indexOf(audience), audiences.length);
          const to = middle(destinations.indexOf(destination), destinations.length);
          return (
            <path
              key={`${audience} ${destination}`}
              className={`route ${mode}`}
              d={`M0 ${from} C100 ${from} 100 ${to} 200 ${to}`}
              vectorEffect="non-scaling-stroke"
            />
          );
        })}
      </svg>
      <Column names={destinations} height={height} note={() => ''} />
      <table>
        <Columns names={['Route', 'Mode', 'Known as', 'Attributes']} />
        <tbody>
          {routes.map(({ audience, destination, mode, identity, attributes }) => (
            <tr key={`${audience} ${destination}`}>
              <th scope="row">
                {audience} → {destination}
              </th>
              <td>{mode}</td>
              <td>{identity}</td>
              <td>{attributes.join(', ') || '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface ColumnProps {
  readonly names: readonly string[];
  readonly height: number;
  readonly note: (name: string) => string;
}

function Column({ names, height, note }: ColumnProps) {
  return (
    <ul style={{ height }}>
      {names.map((name) => (
        <li key={name}>
          <strong>{name}</strong>
          {note(name) === '' ? null : <small>{note(name)}</small>}
        </li>
      ))}
    </ul>
  );
}

function consentOf(routes: readonly FileRoute[], audience: string): string {
  const consent = routes.find((route) => route.audience === audience)?.consent;
  return consent === undefined ? '' : `asks ${consent}`;
}

function wordsOf(routes: readonly FileRoute[]): string {
  return routes.map(({ audience, destination, mode }) => `${audience} to ${destination}, ${mode}`).join('; ');
}
