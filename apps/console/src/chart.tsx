import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { colorOf, onThemeChange } from './theme.ts';

export interface Line {
  readonly label: string;
  /** A colour of the style sheet. */
  readonly color: string;
  readonly values: readonly (number | undefined)[];
  readonly fills?: boolean;
}

interface ChartProps {
  /** What it shows now, for who does not see it. */
  readonly label: string;
  /** Epoch milliseconds. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly unit: (value: number) => string;
}

const heightPx = 140;

/** Lines over time. */
export function Chart({ label, times, lines, unit }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data = dataOf(times, lines);
  const latest = useRef(data);
  latest.current = data;
  const names = lines.map((line) => line.label).join();
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(element.clientWidth, lines, unit), latest.current, element);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: heightPx }));
    resized.observe(element);
    const stop = onThemeChange(draw);
    return () => {
      stop();
      resized.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
    // The lines themselves come with each second; the chart is made anew only for others.
  }, [names]);
  useEffect(() => plot.current?.setData(data));
  return (
    <figure className="chart">
      <div ref={place} role="img" aria-label={label} />
      <figcaption>
        {lines.map((line) => (
          <span key={line.label}>
            <i className="swatch" data-color={line.color} />
            {line.label}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function dataOf(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [times.map((atMs) => atMs / 1_000), ...lines.map(({ values }) => values.map((value) => value ?? null))];
}

/** Steps that are finer than the unit says would have the same words one above the other. */
function labelsOf(splits: readonly number[], unit: ChartProps['unit']): string[] {
  const words = splits.map(unit);
  return words.map((word, index) => (word === words[index - 1] ? '' : word));
}

function optionsOf(width: number, lines: readonly Line[], unit: ChartProps['unit']): uPlot.Options {
  const axis = {
    stroke: colorOf('--text-quiet'),
    grid: { stroke: colorOf('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui',
  };
  return {
    width,
    height: heightPx,
    // The last time stands in the middle of its line.
    padding: [8, 26, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      {
        ...axis,
        size: 24,
        space: 90,
        values: (_plot, splits) => splits.map((second) => new Date(second * 1_000).toLocaleTimeString('en-GB')),
      },
      { ...axis, size: 56, space: 30, values: (_plot, splits) => labelsOf(splits, unit) },
    ],
    series: [
      {},
      ...lines.map(({ label, color, fills }) => ({
        label,
        stroke: colorOf(`--${color}`),
        width: 1.5,
        points: { show: false },
        spanGaps: true,
        ...(fills ? { fill: `${colorOf(`--${color}`)}22` } : {}),
      })),
    ],
  };
}
