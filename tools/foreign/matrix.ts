import { featureNames, features, type Feature } from './features.ts';

/** How the program of one SDK went, or why it did not run. */
export type SdkResult =
  | { readonly name: string; readonly leftOut: string }
  | {
      readonly name: string;
      readonly seconds: number;
      readonly outcomes: ReadonlyMap<Feature, string>;
      /** The last words of a program that did not end well. */
      readonly ended: string | undefined;
    };

/** The outcome of a feature that an SDK does not have. */
export const notInSdk = 'not in the SDK';

/**
 * The matrix as a Markdown table, what failed and what was left out in words, and whether anything
 * failed.
 */
export function printMatrix(
  results: readonly SdkResult[],
  packageOf: (name: string) => string,
): { readonly text: string; readonly failed: boolean } {
  const ran = results.flatMap((result) => ('outcomes' in result ? [result] : []));
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const lines = [
    row(['feature', ...ran.map(({ name }) => packageOf(name))]),
    row(['---', ...ran.map(() => '---')]),
    ...featureNames.map((feature) =>
      row([
        features[feature],
        ...ran.map(({ outcomes }) => outcomes.get(feature)?.replace(/:.*$/s, '') ?? 'not tried'),
      ]),
    ),
    '',
  ];
  let failed = ran.length === 0;
  for (const { name, outcomes, ended, seconds } of ran) {
    const notWorking = featureNames.filter((feature) => !['works', notInSdk].includes(outcomes.get(feature) ?? ''));
    failed ||= notWorking.length > 0 || ended !== undefined;
    const lacking = [...outcomes.values()].filter((outcome) => outcome === notInSdk).length;
    const working = featureNames.length - notWorking.length - lacking;
    lines.push(
      `${name}: ${working} of ${featureNames.length} features work${lacking === 0 ? '' : `, ${lacking} are ${notInSdk}`} (${seconds} s)`,
    );
    lines.push(...notWorking.map((feature) => `  ${feature}: ${outcomes.get(feature) ?? 'not tried'}`));
    if (ended !== undefined) lines.push(`  its program did not end well: ${ended}`);
  }
  for (const result of results) {
    if ('leftOut' in result) lines.push(`LEFT OUT: ${result.name}: ${result.leftOut}`);
  }
  return { text: `${lines.join('\n')}\n`, failed };
}
