import type { ComponentType } from 'react';
import { LivePage } from './live-page.tsx';
import { OverviewPage } from './overview-page.tsx';
import { TryItPage } from './try-it-page.tsx';

export interface Page {
  readonly path: string;
  readonly name: string;
  /** After `g`. */
  readonly key: string;
  /** What it is for, in a sentence. */
  readonly about: string;
  readonly Content: ComponentType;
}

/** In the order of the navigation. */
export const pages: readonly Page[] = [
  {
    path: '/',
    name: 'Overview',
    key: 'o',
    about: 'Which audiences arrive where, and what needs you.',
    Content: OverviewPage,
  },
  { path: '/live', name: 'Live', key: 'l', about: 'Each change as it happens.', Content: LivePage },
  {
    path: '/try',
    name: 'Try it',
    key: 't',
    about: 'Play the tenant, send an export, break a destination.',
    Content: TryItPage,
  },
];
